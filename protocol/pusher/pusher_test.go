package pusher

import (
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/dialecttest"
)

func engine(t testing.TB) *dialecttest.Engine {
	return dialecttest.NewEngine(t, func(s dialecttest.Settings) (protocol.Dialect, error) {
		config := DefaultConfig()
		if err := s.Apply(&config); err != nil {
			return nil, err
		}
		return New(config), config.Check()
	})
}

func TestTranscripts(t *testing.T) {
	for _, transcript := range dialecttest.Load(t, Transcripts, "transcripts/*.txt") {
		t.Run(transcript.Name, func(t *testing.T) { dialecttest.Play(t, transcript, engine(t)) })
	}
}

// PSH.8: arbitrary frames never panic, never close unless they sign in, and never make a topic that cannot be.
func FuzzReceive(f *testing.F) {
	for _, transcript := range dialecttest.Load(f, Transcripts, "transcripts/*.txt") {
		for _, step := range transcript.Steps {
			if step.Verb == dialecttest.Text || step.Verb == dialecttest.Binary {
				f.Add([]byte(step.Text), step.Verb == dialecttest.Binary)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		if len(data) > DefaultConfig().FrameBytes {
			return
		}
		c, err := engine(t).Connect("/app/"+dialecttest.AppKey+"?protocol=7", nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Receive(0)
		c.Send(data, binary)
		for {
			got, ok := c.Receive(0)
			if !ok {
				return
			}
			if got.Closed && (got.Code != unauthorized || !strings.Contains(string(data), "signin")) {
				t.Fatalf("%q got %s", data, got)
			}
		}
	})
}

// PSH.2: server libraries sign for digits, a dot and digits alone; a socket of another process is none of this one.
func TestSocketID_NamesAConnectionOfThisProcess(t *testing.T) {
	one, two := New(DefaultConfig()), New(DefaultConfig())
	first, again, other := one.socketID(7), one.socketID(7), two.socketID(7)
	if first == other || first != again {
		t.Error("the second half is no secret of the process")
	}
	if got := ConnectionOf(first); got != "ws-7" {
		t.Errorf("got %q", got)
	}
	for _, wrong := range []string{"", "7", "7.", ".7", "x.7", "7.x", "7.7.7"} {
		if got := ConnectionOf(wrong); got != "" {
			t.Errorf("%q: got %q", wrong, got)
		}
	}
}

// PSH.4, PSH.5: each end by the engine says whether the client comes back, and when.
func TestOnReject_EveryEndHasItsCode(t *testing.T) {
	for reason, code := range map[protocol.Reason]int{
		protocol.Draining: 4200, protocol.Disconnected: 4009, protocol.Revoked: 4009, protocol.Slow: 4100,
		protocol.Silent: 4201, protocol.Busy: 4100, protocol.Suspended: 4009, protocol.TooMany: 4004,
		protocol.Internal: 4100,
	} {
		c, err := engine(t).Connect("/app/"+dialecttest.AppKey+"?protocol=7", nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Receive(0)
		c.Reject(protocol.Refuse(reason, "the detail"), true)
		if got, _ := c.Receive(0); !strings.HasPrefix(string(got.Data), `{"event":"pusher:error","data":{"code":`) {
			t.Errorf("%s: got %s", reason, got)
		}
		if got, _ := c.Receive(0); !got.Closed || got.Code != code {
			t.Errorf("%s: got %s", reason, got)
		}
	}
}

// PSH.22: a subscription that ends without being asked to is not there any more.
func TestOnReject_AnEndedSubscriptionMayBeMadeAgain(t *testing.T) {
	c, err := engine(t).Connect("/app/"+dialecttest.AppKey+"?protocol=7", nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Receive(0)
	subscribe := []byte(`{"event":"pusher:subscribe","data":{"channel":"news"}}`)
	for range 2 {
		c.Send(subscribe, false)
		if got, _ := c.Receive(0); !strings.Contains(string(got.Data), "subscription_succeeded") {
			t.Fatalf("got %s", got)
		}
		refusal := protocol.Refuse(protocol.Revoked, "it is over")
		refusal.Topic = "news"
		c.Reject(refusal, false)
		if got, _ := c.Receive(0); !strings.Contains(string(got.Data), "pusher:subscription_error") {
			t.Fatalf("got %s", got)
		}
	}
}

func TestConfig_HasTheBoundsOfItsHelp(t *testing.T) {
	dialecttest.CheckDefaults(t, DefaultConfig())
	for key, values := range map[string][]string{
		"activity_timeout": {"999ms", "61m"}, "sign_in_timeout": {"999ms", "61m", "-1s"},
		"frame_bytes": {"1023", "1048577"}, "messages_per_second": {"-1"},
		"channels": {"0", "100001"}, "channel_name_bytes": {"0", "256"}, "members": {"0", "10001"},
		"user_info_bytes": {"0", "3073"}, "client_event_bytes": {"0", "1048577"},
		"events_per_second": {"0", "100001"},
	} {
		for _, value := range values {
			config := DefaultConfig()
			if err := (dialecttest.Settings{key: value}).Apply(&config); err != nil {
				t.Fatal(err)
			}
			if err := config.Check(); err == nil || !strings.HasPrefix(err.Error(), key+" is ") {
				t.Errorf("%s = %s: %v", key, value, err)
			}
			if New(config).config != DefaultConfig() {
				t.Errorf("%s = %s was taken", key, value)
			}
		}
	}
}

// What an event costs, once for all subscribers of its channel.
func BenchmarkEncode(b *testing.B) {
	d := New(DefaultConfig())
	for name, data := range map[string]string{
		"text":   `{"event":"order.paid","data":"{\"id\":7,\"total\":\"12.50\",\"items\":[1,2,3]}"}`,
		"object": `{"event":"order.paid","data":{"id":7,"total":"12.50","items":[1,2,3]}}`,
	} {
		ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Named, Topic: "orders", Data: []byte(data)})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.Encode(protocol.Delivery{Event: ev})
			}
		})
	}
}
