package valtronics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/dialecttest"
	"github.com/parley-realtime/parley/protocol/rawjson"
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

// inside is a connection that has authenticated.
func inside(t testing.TB, e *dialecttest.Engine, path string) *dialecttest.Connection {
	t.Helper()
	c, err := e.Connect(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Send([]byte(`{"type":"auth","token":"`+
		e.Token(dialecttest.Token{User: "alice", Topics: []protocol.Pattern{"alerts", "telemetry", "devices/1"},
			TTL: time.Hour})+`"}`), false)
	if got, _ := c.Receive(0); string(got.Data) != string(welcome) {
		t.Fatalf("got %s", got)
	}
	return c
}

// R001.44, R001.73, F49: whatever the refusal, the last thing is the close, with a code that the document's clients can
// tell apart: 1000 and 1001 are the usual ends, 1012 a server that comes back, 1008 the client's fault, 1011 ours. What
// the client did wrong it is told before.
func TestRefuse_EveryReasonHasItsEnd(t *testing.T) {
	const told = `{"type":"error","error":"%s","message":"the ?detail?"}`
	for reason, end := range map[protocol.Reason]struct {
		last string
		code int
	}{
		protocol.AuthTimeout: {`{"type":"auth_response","success":false,"message":"the ?detail?",` +
			`"error":"auth_timeout"}`, 1008},
		protocol.TokenExpired: {told, 1008},
		protocol.Revoked:      {told, 1008},
		protocol.RateLimited:  {told, 1008},
		protocol.Internal:     {told, 1011},
		protocol.Draining:     {"", 1012},
		protocol.Disconnected: {"", 1000},
		protocol.Slow:         {"", 1008},
		protocol.Silent:       {"", 1001},
	} {
		last := end.last
		c := inside(t, engine(t), Path)
		c.Reject(protocol.Refuse(reason, "the <detail>"), true)
		got, _ := c.Receive(0)
		if last != "" {
			want := strings.Replace(last, "%s", string(reason), 1)
			if string(got.Data) != want {
				t.Errorf("%s: said %s, want %s", reason, got, want)
			}
			got, _ = c.Receive(0)
		}
		if !got.Closed || got.Code != end.code {
			t.Errorf("%s: ended with %s, want code %d", reason, got, end.code)
		}
	}
}

func TestRefuse_WhatIsNotFinalIsToldAndTheConnectionStays(t *testing.T) {
	c := inside(t, engine(t), Path)
	refusal := protocol.Refuse(protocol.Busy, "the queue is full")
	refusal.RetryAfter = 1100 * time.Millisecond
	c.Reject(refusal, false)
	if got, _ := c.Receive(0); string(got.Data) != `{"type":"error","error":"busy","message":"the queue is full",`+
		`"retry_after":2}` {
		t.Errorf("got %s", got)
	}
	c.Send([]byte(`{"type":"ping"}`), false)
	if got, ok := c.Receive(0); !ok || got.Closed {
		t.Errorf("got %s", got)
	}
}

// R001.46, R001.55: a report is handed on as one line without anything invisible.
func TestReport_IsFitForALog(t *testing.T) {
	e := engine(t)
	c := inside(t, e, Path)
	c.Send([]byte("{\"type\":\"error_report\",\n\"error\":\"a\u202eb\u0085c\"\r\n}"), false)
	if len(e.Reports) != 1 || e.Reports[0].Kind != "error" ||
		string(e.Reports[0].Data) != `{"type":"error_report", "error":"a b c"  }` {
		t.Errorf("got %+v", e.Reports)
	}
}

// R001.22, R001.24, R001.36
func TestFrequency_Forms(t *testing.T) {
	for raw, want := range map[string]time.Duration{
		`"real-time"`: 0, `"realtime"`: 0, `"Real-Time"`: 0, `""`: 0, `0`: 0, `"0s"`: 0,
		`"30s"`: 30 * time.Second, `"500ms"`: 500 * time.Millisecond, `"5m"`: 5 * time.Minute, `"1h"`: time.Hour,
		`30`: 30 * time.Second, `0.5`: 500 * time.Millisecond, `"30"`: 30 * time.Second,
		`"1.5s"`:  1500 * time.Millisecond,
		`" 2 s "`: 2 * time.Second, `"10ms"`: 10 * time.Millisecond, `"24h"`: 24 * time.Hour, `86400`: 24 * time.Hour,
	} {
		if got, refusal := frequency([]byte(raw)); refusal != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", raw, got, refusal, want)
		}
	}
	for _, raw := range []string{
		`"soon"`, `"9ms"`, `"25h"`, `86401`, `-1`, `"-1s"`, `1e3`, `"1e3s"`, `true`, `{}`, `[]`, `"s"`, `"."`,
		`"1.2.3s"`, `"NaN"`,
		`"Infs"`, `"0x10s"`, `0.0000000000001`, `"1d"`, `"` + strings.Repeat("0", 50) + `1s"`,
		`999999999999999999999999999`,
	} {
		if got, refusal := frequency([]byte(raw)); refusal == nil {
			t.Errorf("%s became %s", raw, got)
		}
	}
}

// R001.53: what a subscription asks of the engine.
func TestSubscribe_Commands(t *testing.T) {
	for text, want := range map[string]string{
		`{"channel":"telemetry"}`: "telemetry {Where:[] View: Every:0s}",
		`{"channel":"telemetry","device_id":[1,"1",2]}`: "telemetry/1 {Where:[] View: Every:0s}; " +
			"telemetry/2 {Where:[] View: Every:0s}",
		`{"channel":"telemetry","metrics":["b","a"],"frequency":"1s"}`: "telemetry {Where:[] View:\x00a\x00b Every:1s}",
		`{"channel":"alerts","severity":"x","filters":{"alert_type":["y","z"]},` +
			`"metrics":["no"],"frequency":"1s"}`: "alerts " +
			"{Where:[{Attribute:severity In:[x]} {Attribute:alert_type In:[y z]}] View: Every:0s}",
		`{"channel":"devices","status_types":["on"],"severity":"no"}`: "devices " +
			"{Where:[{Attribute:new_status In:[on]}] View: Every:0s}",
		`{"channel":"system","filters":{"metrics":"cpu"}}`:    "system {Where:[] View:\x00cpu Every:0s}",
		`{"channel":"devices","filters":null,"device_id":-4}`: "devices/-4 {Where:[] View: Every:0s}",
	} {
		members, err := rawjson.ReadObject([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		commands, _, refusal := subscribe(message{raw: []byte(text), members: members, index: alone})
		var got []string
		for _, command := range commands {
			s := command.(protocol.Subscribe)
			f := s.Filter
			got = append(got, fmt.Sprintf("%s {Where:%+v View:%s Every:%s}", s.Topic, f.Where, f.View, f.Every))
			if f.Exact || f.WithPosition || f.Label != "" {
				t.Errorf("%s asks for more: %+v", text, f)
			}
		}
		if refusal != nil || strings.Join(got, "; ") != want {
			t.Errorf("%s: got %q, %v, want %q", text, strings.Join(got, "; "), refusal, want)
		}
	}
}

// R001.54, R001.59, R001.60, R001.61, R001.62, R001.63, R001.64: the document's figures, each of them configurable.
func TestLimits_AreTheDocuments(t *testing.T) {
	d := New(DefaultConfig())
	want := protocol.Limits{Frame: 65536, Rate: 100, Burst: 100, Login: 14 * time.Second, Subscriptions: 1000,
		Connections: 1000, PerUser: 100, Connects: 10}
	if got := d.Limits(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if d.config.MessageBytes != 1024 || d.config.BatchItems != 50 {
		t.Errorf("got %+v", d.config)
	}
	dialecttest.CheckDefaults(t, DefaultConfig())
	other := Config{
		ConnectionsPerUser: 1, Connections: 2, ConnectsPerMinute: 3, MessagesPerSecond: 4, MessageBytes: 65,
		BatchItems: 6,
		FrameBytes: 1024, Subscriptions: 7, LoginTimeout: 8 * time.Second,
	}
	want = protocol.Limits{Frame: 1024, Rate: 4, Burst: 6, Login: 8 * time.Second, Subscriptions: 7, Connections: 2,
		PerUser: 1, Connects: 3}
	if got := New(other).Limits(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestConfig_EachBoundIsNamed(t *testing.T) {
	for key, values := range map[string][]string{
		"connections_per_user": {"-1"}, "connections": {"-1"}, "connects_per_minute": {"-1"},
		"messages_per_second": {"-1"},
		"message_bytes":       {"63", "65537"}, "batch_items": {"0", "1001"}, "frame_bytes": {"1023", "1048577"},
		"subscriptions": {"0", "100001"}, "login_timeout": {"999ms", "2h"},
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
	if err := (Config{}).Check(); err == nil {
		t.Error("an empty configuration was accepted")
	}
}

// R001.64: 50 items of which each is a legal message fit the frame limit and the rate.
func TestBatch_FiftyItemsAreWell(t *testing.T) {
	e := engine(t)
	c := inside(t, e, Path)
	item := `{"type":"ping","pad":"` + strings.Repeat("x", 1000) + `"}`
	c.Send([]byte(`{"type":"batch","messages":[`+strings.Repeat(item+",", 49)+item+`]}`), false)
	for i := range 50 {
		if got, _ := c.Receive(0); !strings.HasPrefix(string(got.Data), `{"type":"pong"`) {
			t.Fatalf("item %d: %s", i, got)
		}
	}
	e.Advance(time.Second)
	c.Send([]byte(`{"type":"batch","messages":[`+strings.Repeat(`{},`, 50)+`{}]}`), false)
	if got, _ := c.Receive(0); !strings.Contains(string(got.Data), "the batch has 51 messages; the limit is 50") {
		t.Errorf("got %s", got)
	}
}

// A million connections hold a session each.
func TestSession_IsSmall(t *testing.T) {
	if size := unsafe.Sizeof(session{}); size > 32 {
		t.Errorf("a session has %d bytes", size)
	}
}

func TestMessages_AreNotKept(t *testing.T) {
	e := engine(t)
	c := inside(t, e, Path)
	frame := []byte(`{"type":"batch","messages":[{"type":"subscribe","channel":"telemetry","device_id":"abc"},` +
		`{"type":"error_report","error":"abc"},{"type":"ping","timestamp":"12"}]}`)
	c.Send(frame, false)
	for i := range frame {
		frame[i] = 'Z'
	}
	if topics := c.Topics(); len(topics) != 1 || topics[0] != "telemetry/abc" ||
		bytes.Contains(e.Reports[0].Data, []byte("Z")) {
		t.Errorf("got %q %+v", topics, e.Reports)
	}
	if got, _ := c.Receive(0); !json.Valid(got.Data) || bytes.Contains(got.Data, []byte("ZZ")) {
		t.Errorf("got %s", got)
	}
}

// reliability.md check 62: arbitrary frames never panic; the engine holds every command against what protocol demands;
// nothing is subscribed before a token held; markup never comes back.
func FuzzReceive(f *testing.F) {
	for _, transcript := range dialecttest.Load(f, Transcripts, "transcripts/*.txt") {
		for _, step := range transcript.Steps {
			if step.Verb == dialecttest.Text || step.Verb == dialecttest.Binary {
				f.Add([]byte(step.Text), step.Verb == dialecttest.Binary, true)
				f.Add([]byte(step.Text), step.Verb == dialecttest.Binary, false)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, binary, auth bool) {
		e := engine(t)
		var c *dialecttest.Connection
		if auth {
			c = inside(t, e, Path+"/alerts")
		} else {
			c, _ = e.Connect(Path, nil)
		}
		c.Send(data, binary)
		c.Send(data, binary)
		if !auth && c.Topics() != nil {
			t.Fatalf("%q subscribed without a token", data)
		}
		for {
			got, ok := c.Receive(0)
			if !ok || got.Closed {
				break
			}
			said, err := rawjson.ReadObject(got.Data)
			if word, _ := rawjson.Text(rawjson.Find(said, "type")); err != nil || word == "" {
				t.Fatalf("%q got %s, which has no type", data, got)
			}
			if bytes.ContainsAny(got.Data, "<>") {
				t.Fatalf("%q got %s", data, got)
			}
		}
	})
}

func TestRecognises_ARequestByItsType(t *testing.T) {
	for frame, want := range map[string]bool{
		`{"type":"auth","token":"x"}`: true, `{"type":"subscribe","channel":"alerts"}`: true, `{"type":""}`: true,
		` {"a":1,"type":"x"} `: true,
		`{}`:                   false, `[]`: false, ``: false, `{"type":`: false, `{"type":1}`: false,
		`{"type":null}`: false, `"type"`: false, `{"type":"a","type":"b"}`: false,
		`{"auth":"x","action":"attach","event":{"type":"notification"}}`: false,
	} {
		if got := New(DefaultConfig()).Recognises([]byte(frame)); got != want {
			t.Errorf("%s: %v", frame, got)
		}
	}
}
