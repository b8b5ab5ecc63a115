package dashboard

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

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

func mustEvent(t testing.TB, kind protocol.Kind, data string) *protocol.Event {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{
		ID: "e1", Kind: kind, Data: []byte(data), Time: time.Date(2024, 3, 17, 16, 0, 0, 123_999_999, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// R000.13, R000.19, R000.22, R000.33, F49: byte for byte as the document prints it, members in its order, none renamed
// and none added.
func TestEncode_IsWhatTheDocumentPrints(t *testing.T) {
	d := New(DefaultConfig())
	for _, c := range []struct {
		kind       protocol.Kind
		data, want string
	}{
		{protocol.ProjectUpdated, `{ "trigger" : "audit", "project_name" : "my-project", "more": 1 }`,
			`{"event":"project_updated","project_name":"my-project","trigger":"audit","timestamp":1710691200.123}`},
		{protocol.Message, `{"message":"m <b>","level":"error"}`,
			`{"event":"message","level":"error","title":"","message":"m <b>","timestamp":1710691200.123}`},
		{protocol.Message, `{"message":"m","title":null,"level":"info"}`,
			`{"event":"message","level":"info","title":"","message":"m","timestamp":1710691200.123}`},
		{protocol.JSON, `{"n": 23.0}`, `{"n": 23.0}`},
		{protocol.SystemStatus, `{"metrics":{}}`, ``},
		{protocol.Telemetry, `{"device_id":1,"telemetry":{}}`, ``},
	} {
		if got := string(d.Encode(protocol.Delivery{Event: mustEvent(t, c.kind, c.data)}).Data); got != c.want {
			t.Errorf("%s: got %s, want %s", c.kind, got, c.want)
		}
	}
	if got, want := string(heartbeat(time.UnixMilli(1710700000007), 3)),
		`{"event":"heartbeat","timestamp":1710700000.007,"clients":3}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(appendUnix(nil, time.Time{})); got != "0.000" {
		t.Errorf("the zero time is %s", got)
	}
}

// R000.16, R000.31: no two connections have one client_id.
func TestConnected_ClientIDsAreNeverUsedAgain(t *testing.T) {
	e, seen := engine(t), map[string]bool{}
	for range 50 {
		client, err := e.Open(Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := client.Receive(settle)
		var said struct {
			ClientID string `json:"client_id"`
		}
		if err := json.Unmarshal(got.Data, &said); err != nil || seen[said.ClientID] {
			t.Fatalf("%v, %s was there before: %v", err, said.ClientID, seen[said.ClientID])
		}
		seen[said.ClientID] = true
		client.Leave()
	}
}

// R000.10, R000.11, F49: whatever the refusal, the last thing is the close; a failed authentication has the document's
// words and its code.
func TestRefuse_EveryReasonHasItsEnd(t *testing.T) {
	const required = `{"event":"error","message":"Authentication required"}`
	for reason, end := range map[protocol.Reason]struct {
		last string
		code int
	}{
		protocol.AuthTimeout:  {required, 1008},
		protocol.TokenExpired: {required, 1008},
		protocol.InvalidToken: {required, 1008},
		protocol.Unauthorized: {required, 1008},
		protocol.Revoked:      {required, 1008},
		protocol.RateLimited:  {`{"event":"error","message":"the detail"}`, 1008},
		protocol.TooMany:      {`{"event":"error","message":"the detail"}`, 1008},
		protocol.Internal:     {`{"event":"error","message":"the detail"}`, 1011},
		protocol.Draining:     {"", 1012},
		protocol.Disconnected: {"", 1000},
		protocol.Slow:         {"", 1008},
		protocol.Silent:       {"", 1001},
	} {
		last := end.last
		e := engine(t)
		c, err := e.Connect(Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Receive(settle)
		c.Reject(protocol.Refuse(reason, "the detail"), true)
		got, _ := c.Receive(0)
		if last != "" {
			if string(got.Data) != last {
				t.Errorf("%s: said %s, want %s", reason, got, last)
			}
			got, _ = c.Receive(0)
		}
		if !got.Closed || got.Code != end.code {
			t.Errorf("%s: ended with %s, want code %d", reason, got, end.code)
		}
	}
}

func TestRefuse_WhatIsNotFinalIsToldAndTheConnectionStays(t *testing.T) {
	c, err := engine(t).Connect(Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Receive(settle)
	c.Reject(protocol.Refuse(protocol.Busy, "the queue is full; try again"), false)
	if got, _ := c.Receive(0); string(got.Data) != `{"event":"error","message":"the queue is full; try again"}` {
		t.Errorf("got %s", got)
	}
	c.Send([]byte("ping"), false)
	if got, _ := c.Receive(0); string(got.Data) != string(pong) {
		t.Errorf("got %s", got)
	}
}

func TestLimits_FloodOfPingsIsEnded(t *testing.T) {
	c, err := engine(t).Connect(Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Receive(settle)
	for range rate + 1 {
		c.Send([]byte("ping"), false)
	}
	for range rate {
		if got, _ := c.Receive(0); string(got.Data) != string(pong) {
			t.Fatalf("got %s", got)
		}
	}
	if got, _ := c.Receive(0); !strings.Contains(string(got.Data), strconv.Itoa(rate)) {
		t.Errorf("got %s, which does not name the limit", got)
	}
	if got, _ := c.Receive(0); got.Code != 1008 {
		t.Errorf("got %s", got)
	}
}

// R000.23: a token cannot make a connection subscribe without bound.
func TestGranted_IsBounded(t *testing.T) {
	id := &protocol.Identity{Topics: []protocol.Pattern{"", "*x", "projects/", "projectsx", "projects/a*",
		"projects/\x00", "projects/a", "projects/a"}}
	if got := granted(id); len(got) != 1 || got[0] != "projects/a" {
		t.Errorf("got %q", got)
	}
	for i := range 1000 {
		id.Topics = append(id.Topics, protocol.Pattern("projects/"+strconv.Itoa(i)))
	}
	if got := granted(id); len(got) != subscriptions {
		t.Errorf("got %d", len(got))
	}
	if granted(nil) != nil || granted(&protocol.Identity{}) != nil {
		t.Error("nobody is granted something")
	}
}

// R000.26, R000.27
func TestConfig_HasTheKeysAndDefaultsOfTheDocument(t *testing.T) {
	config := DefaultConfig()
	if err := config.Check(); err != nil || !config.Enabled || config.Heartbeat != 30 || config.MultiTenant {
		t.Errorf("%+v: %v", config, err)
	}
	for _, wrong := range []int{0, -1, 3601} {
		config.Heartbeat = wrong
		if err := config.Check(); err == nil ||
			!strings.Contains(err.Error(), "websocket_heartbeat_seconds is "+strconv.Itoa(wrong)) {
			t.Errorf("%d: %v", wrong, err)
		}
		if New(config).heartbeat != 30*time.Second {
			t.Errorf("%d became %s", wrong, New(config).heartbeat)
		}
	}
	dialecttest.CheckDefaults(t, DefaultConfig())
}

// reliability.md check 62: arbitrary frames never panic, what is said is JSON, and only a token opens the door.
func FuzzReceive(f *testing.F) {
	for _, transcript := range dialecttest.Load(f, Transcripts, "transcripts/*.txt") {
		for _, step := range transcript.Steps {
			if step.Verb == dialecttest.Text || step.Verb == dialecttest.Binary {
				f.Add([]byte(step.Text), step.Verb == dialecttest.Binary, true)
				f.Add([]byte(step.Text), step.Verb == dialecttest.Binary, false)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, binary, multiTenant bool) {
		e := engine(t)
		if err := e.Set("multi_tenant", strconv.FormatBool(multiTenant)); err != nil {
			t.Fatal(err)
		}
		c, err := e.Connect(Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Send(data, binary)
		c.Send(data, binary)
		if multiTenant && c.Topics() != nil {
			t.Fatalf("%q opened the door", data)
		}
		for range 10 {
			if got, ok := c.Receive(0); ok && multiTenant && !got.Closed && string(got.Data) != string(denied) {
				t.Fatalf("%q got %s", data, got)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	d, ev := New(DefaultConfig()), mustEvent(b, protocol.ProjectUpdated,
		`{"project_name":"my-project","trigger":"audit"}`)
	b.ReportAllocs()
	for b.Loop() {
		d.Encode(protocol.Delivery{Event: ev})
	}
}
