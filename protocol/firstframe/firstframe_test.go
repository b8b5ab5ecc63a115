package firstframe

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/airlay"
	"github.com/parley-realtime/parley/protocol/dialecttest"
	"github.com/parley-realtime/parley/protocol/rawjson"
	"github.com/parley-realtime/parley/protocol/valtronics"
)

const path = "/ws"

func dialect(config Config) *Dialect {
	return New(config, path, airlay.New(airlay.DefaultConfig()), valtronics.New(valtronics.DefaultConfig()))
}

func engine(t testing.TB) *dialecttest.Engine {
	return dialecttest.NewEngine(t, func(s dialecttest.Settings) (protocol.Dialect, error) {
		config := DefaultConfig()
		err := s.Apply(&config)
		return dialect(config), err
	})
}

func TestTranscripts(t *testing.T) {
	for _, transcript := range dialecttest.Load(t, Transcripts, "transcripts/*.txt") {
		t.Run(transcript.Name, func(t *testing.T) { dialecttest.Play(t, transcript, engine(t)) })
	}
}

// Every transcript that AirLay tells about its own path is true on the shared one. So is every transcript of Valtronics
// about /ws, but for those about what happens before the first frame and about settings, of which the shared path has
// others.
func TestCandidates_TellTheirStoriesHere(t *testing.T) {
	other := map[string]string{
		"connect-rate": "nobody has connected to Valtronics before its first frame",
		"auth-late":    "the time until the first frame is another", "login-late": "so it is here",
	}
	played := 0
	for _, transcript := range append(dialecttest.Load(t, airlay.Transcripts, "transcripts/*.txt"),
		dialecttest.Load(t, valtronics.Transcripts, "transcripts/*.txt")...) {
		if tells(transcript, other) {
			played++
			t.Run(transcript.Name, func(t *testing.T) { dialecttest.Play(t, transcript, engine(t)) })
		}
	}
	if played < 20 {
		t.Errorf("%d transcripts", played)
	}
}

// tells reports whether a transcript is about this path as it is configured, and none of the others.
func tells(transcript dialecttest.Transcript, others map[string]string) bool {
	for _, step := range transcript.Steps {
		if step.Verb == dialecttest.Set || step.Verb == dialecttest.Open && step.Text != path {
			return false
		}
	}
	return others[transcript.Name] == ""
}

// fake is a candidate that the test makes up.
type fake struct {
	name    string
	limits  protocol.Limits
	asks    bool // for a credential in the handshake
	refusal *protocol.Refusal
}

func (f fake) Name() string                                               { return f.name }
func (fake) Paths() []string                                              { return []string{path} }
func (f fake) Limits() protocol.Limits                                    { return f.limits }
func (f fake) Recognises(frame []byte) bool                               { return string(frame) == `"`+f.name+`"` }
func (f fake) OnOpen(time.Time, uint64) []protocol.Command                { return f.say("opened") }
func (fake) Answer(protocol.Command, protocol.Outcome) []protocol.Command { return nil }
func (fake) OnTick(time.Time) []protocol.Command                          { return nil }

func (fake) Encode(protocol.Delivery) protocol.Encoded {
	return protocol.Encoded{Data: []byte("{}")}
}

func (f fake) say(what string) []protocol.Command {
	return []protocol.Command{protocol.Send{Text: []byte(`"` + f.name + " " + what + `"`)}}
}

func (f fake) Open(protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	if f.asks {
		return protocol.Opened{Session: f, Credential: &protocol.Credential{}}, nil
	}
	return protocol.Opened{Session: f}, f.refusal
}

// Receive asks for more than words.
func (f fake) Receive(time.Time, protocol.ClientMessage) (int, []protocol.Command) {
	anonymous := protocol.Credential{Claims: protocol.Claims{Anonymous: true}}
	return 3, append(f.say("hears"), protocol.Authenticate{Credential: anonymous},
		protocol.Subscribe{Topic: "t"}, protocol.SetInterval{Every: time.Second}, protocol.Report{Kind: "x"})
}

func (f fake) OnReject(_ time.Time, refusal *protocol.Refusal, final bool) []protocol.Command {
	if final {
		return protocol.End(refusal, f.say("ends")[0].(protocol.Send).Text)
	}
	return f.say("refuses")
}

func connected(t *testing.T, d *Dialect) *dialecttest.Connection {
	t.Helper()
	c, err := dialecttest.NewEngine(t, func(dialecttest.Settings) (protocol.Dialect, error) {
		return d,
			nil
	}).Connect(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func hears(t *testing.T, c *dialecttest.Connection, want ...string) {
	t.Helper()
	for _, text := range want {
		if got, _ := c.Receive(0); string(got.Data) != `"`+text+`"` {
			t.Errorf("got %s, want %s", got, text)
		}
	}
	if got, ok := c.Receive(0); ok {
		t.Errorf("got %s", got)
	}
}

func TestReceive_WhatNobodyRecognisesGetsWordsAndNothingElse(t *testing.T) {
	c := connected(t, New(Config{Default: "b"}, path, fake{name: "a"}, fake{name: "b"}))
	hears(t, c)
	c.Send([]byte(`"c"`), false)
	hears(t, c, "b hears")
	c.Send([]byte(`"a"`), true) // binary frames decide nothing
	hears(t, c, "b hears")
	if c.Topics() != nil {
		t.Errorf("it subscribed to %q", c.Topics())
	}
	c.Reject(protocol.Refuse(protocol.Busy, ""), false)
	hears(t, c, "b refuses")
	c.Send([]byte(`"a"`), false)
	hears(t, c, "a opened", "a hears")
	c.Send([]byte(`"b"`), false)
	hears(t, c, "a hears")
	if len(c.Topics()) != 1 {
		t.Errorf("got %q", c.Topics())
	}
	c = connected(t, New(Config{Default: "nobody"}, path, fake{name: "a"}, fake{name: "b"}))
	c.Reject(protocol.Refuse(protocol.Draining, ""), true)
	if got, _ := c.Receive(0); string(got.Data) != `"a ends"` {
		t.Errorf("got %s", got)
	}
	if got, _ := c.Receive(0); got.Code != 1012 {
		t.Errorf("got %s", got)
	}
}

// A dialect that wants a credential before the upgrade, or refuses the request, is no candidate for it.
func TestOpen_LeavesOutWhoCannotBeDecidedByAFrame(t *testing.T) {
	refusal := protocol.Refuse(protocol.Forbidden, "switched off")
	c := connected(t, New(Config{Default: "a"}, path, fake{name: "a", asks: true}, fake{name: "b"},
		fake{name: "c", refusal: refusal}))
	c.Send([]byte(`"a"`), false)
	hears(t, c, "b hears")
	c.Send([]byte(`"c"`), false)
	hears(t, c, "b hears")
	if _, got := New(Config{}, path, fake{name: "a", asks: true},
		fake{name: "c", refusal: refusal}).Open(protocol.Handshake{}); got != refusal {
		t.Errorf("got %v", got)
	}
	if _, got := New(Config{}, path, fake{name: "a", asks: true}).Open(protocol.Handshake{}); got == nil ||
		got.Reason != protocol.NotFound {
		t.Errorf("got %v", got)
	}
}

// X.2: until it is decided, no protocol meets the figure of another.
func TestLimits_AreTheLargestOfTheCandidates(t *testing.T) {
	a := protocol.Limits{Frame: 1000, Rate: 10, Burst: 50, Login: time.Second, Subscriptions: 1, Connections: 5,
		PerUser: 1, Connects: 10}
	b := protocol.Limits{Frame: 2000, Rate: 20, Connections: 6, Connects: 3, Inbox: true}
	want := protocol.Limits{Frame: 2000, Rate: 20, Burst: 50, Login: 3 * time.Second, Connections: 6, Connects: 10}
	config := Config{Timeout: 3 * time.Second}
	if got := New(config, path, fake{limits: a}, fake{limits: b}).Limits(); got != want {
		t.Errorf("got %+v", got)
	}
	b = protocol.Limits{}
	if got := New(config, path, fake{limits: a},
		fake{limits: b}).Limits(); got != (protocol.Limits{Login: 3 * time.Second}) {
		t.Errorf("got %+v", got)
	}
	if got, want := dialect(DefaultConfig()).Limits(),
		(protocol.Limits{Frame: 65536, Rate: 100, Burst: 100, Login: 20 * time.Second}); got != want {
		t.Errorf("got %+v", got)
	}
}

func TestDialect_IsAPathAndNoMore(t *testing.T) {
	d := dialect(DefaultConfig())
	if d.Name() != "shared" || len(d.Paths()) != 1 || d.Paths()[0] != path ||
		d.Encode(protocol.Delivery{}).Data != nil {
		t.Errorf("%s %q", d.Name(), d.Paths())
	}
	dialecttest.CheckDefaults(t, DefaultConfig())
	defer func() {
		if recover() == nil {
			t.Error("a path without a dialect was made")
		}
	}()
	New(DefaultConfig(), path)
}

// reliability.md check 62: arbitrary first frames never panic; each is answered by exactly one dialect, and what it
// decides agrees with X.2.
func FuzzReceive(f *testing.F) {
	for _, transcripts := range [][]dialecttest.Transcript{
		dialecttest.Load(f, Transcripts, "transcripts/*.txt"),
		dialecttest.Load(f, airlay.Transcripts, "transcripts/*.txt"),
		dialecttest.Load(f, valtronics.Transcripts, "transcripts/*.txt"),
	} {
		for _, transcript := range transcripts {
			for _, step := range transcript.Steps {
				if step.Verb == dialecttest.Text || step.Verb == dialecttest.Binary {
					f.Add([]byte(step.Text), step.Verb == dialecttest.Binary)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		opened, _ := dialect(DefaultConfig()).Open(protocol.Handshake{Path: path})
		_, commands := opened.Session.Receive(time.Time{}, protocol.ClientMessage{Data: data, Binary: binary})
		members, err := rawjson.ReadObject(data)
		event := string(rawjson.Find(members, "event"))
		_, isTyped := rawjson.Text(rawjson.Find(members, "type"))
		want := ""
		switch {
		case binary || err != nil:
		case rawjson.Find(members, "action") != nil || rawjson.Find(members, "auth") != nil ||
			strings.HasPrefix(event, "{"):
			want = "airlay"
		case isTyped:
			want = "valtronics"
		}
		got := ""
		for i, command := range commands {
			switch command := command.(type) {
			case protocol.SwitchDialect:
				if got = command.Dialect.Name(); i != 0 {
					t.Fatalf("%q: it becomes %s in the middle", data, got)
				}
			case protocol.Send, protocol.Close:
			default:
				if got == "" {
					t.Fatalf("%q is undecided and asks for %T", data, command)
				}
			}
		}
		if got != want {
			t.Fatalf("%q became %q, not %q", data, got, want)
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	d := dialect(DefaultConfig())
	frame := []byte(`{"type":"auth","token":"` + strings.Repeat("x", 200) + `"}`)
	b.ReportAllocs()
	for b.Loop() {
		opened, _ := d.Open(protocol.Handshake{Path: path})
		opened.Session.Receive(time.Time{}, protocol.ClientMessage{Data: frame})
	}
}
