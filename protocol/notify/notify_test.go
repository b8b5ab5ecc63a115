package notify

import (
	"net/url"
	"slices"
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

func open(t testing.TB, d *Dialect, target string) (
	protocol.Session, *protocol.Credential, *protocol.Refusal,
) {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	opened, refusal := d.Open(protocol.Handshake{Path: u.Path, Query: u.Query(),
		Header: func(string) string { return "" }})
	return opened.Session, opened.Credential, refusal
}

// R002.22, R002.24: the claims that the original demands; sub may be a number, which is for those who read tokens.
func TestOpen_DemandsTheClaimsOfTheDocument(t *testing.T) {
	_, credential, refusal := open(t, New(DefaultConfig()), Path+"?access_token=abc")
	want := []string{"sid", "iss", "aud", "sub", "scope", "iat", "nbf", "exp", "jti"}
	if refusal != nil || credential.Form != protocol.Token || credential.Token != "abc" ||
		!slices.Equal(credential.Claims.Require, want) ||
		!slices.Equal(credential.Claims.Refuse, []string{"refresh"}) || credential.Claims.Anonymous {
		t.Errorf("got %+v, %v", *credential, refusal)
	}
	_, credential, _ = open(t, New(Config{}), Path+"?access_token=abc")
	if credential.Claims.Require != nil || credential.Claims.Refuse == nil {
		t.Errorf("got %+v", credential.Claims)
	}
	_, credential, _ = open(t, New(DefaultConfig()), Path+"?ticket=abc")
	// F19
	if credential.Form != protocol.Ticket || credential.Token != "abc" ||
		!slices.Equal(credential.Claims.Require, want) ||
		!slices.Equal(New(DefaultConfig()).TicketClaims().Require, want) {
		t.Errorf("got %+v", *credential)
	}
}

// R002.4: user ids are whole numbers; the open path exists where it is switched on, and nowhere else.
func TestOpenUserPath_IsAHoleThatSomebodyHasToOpen(t *testing.T) {
	if paths := New(DefaultConfig()).Paths(); !slices.Equal(paths, []string{"/api/v1/ws", "/api/v1/ws/"}) {
		t.Errorf("got %q", paths)
	}
	_, _, refusal := open(t, New(DefaultConfig()), Path+"/7")
	if refusal == nil || refusal.Reason != protocol.Forbidden {
		t.Errorf("got %v", refusal)
	}
	d := New(Config{OpenUserPath: true})
	if paths := d.Paths(); !slices.Equal(paths, []string{"/api/v1/ws", "/api/v1/ws/", "/api/v1/ws/{user_id}"}) {
		t.Errorf("got %q", paths)
	}
	for _, user := range []string{"1", "7", "2147483648", "9223372036854775807"} {
		s, credential, refusal := open(t, d, Path+"/"+user)
		if refusal != nil || credential.Form != protocol.Unverified || credential.For != user ||
			credential.Token != "" || credential.Claims.Anonymous {
			t.Errorf("%s: got %+v, %v", user, credential, refusal)
		}
		if commands := s.OnOpen(time.Time{}, 1); commands != nil {
			t.Errorf("%s: got %v", user, commands)
		}
	}
	for _, user := range []string{
		"0", "-1", "+7", "07", "7.0", "1e3", "abc", "", "9223372036854775808", "%207", "7%20", "7%00", "%D9%A7", "7/8",
		strings.Repeat("9", 1000),
		"7?access_token=abc", "7?ticket=abc",
	} {
		if _, credential, refusal := open(t, d, Path+"/"+user); refusal == nil || refusal.Reason.Status() != 403 ||
			credential != nil {
			t.Errorf("%q: got %v, %v", user, credential, refusal)
		}
	}
	_, credential, refusal := open(t, d, Path+"?access_token=abc")
	if refusal != nil || credential.Form != protocol.Token {
		t.Errorf("got %v", refusal)
	}
}

// R002.27, F49: the first frame that is no JSON is a warning, fit for a log, and no other is.
func TestReceive_MalformedJSONIsAWarningOnce(t *testing.T) {
	e := engine(t)
	c, err := e.Connect(Path+"?access_token="+e.Token(dialecttest.Token{User: "7", TTL: time.Hour}), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Send([]byte(`{"message":"fine"}`), false)
	if len(e.Reports) != 0 {
		t.Errorf("got %+v", e.Reports)
	}
	for range 3 {
		c.Send([]byte("{\n\x1b[31m\u202e"+strings.Repeat("x", 1000)), false)
	}
	const want = "a frame of 1010 bytes is no JSON"
	if len(e.Reports) != 1 || e.Reports[0].Kind != "malformed" || !e.Reports[0].Warn ||
		string(e.Reports[0].Data) != want {
		t.Errorf("got %+v, want %q", e.Reports, want)
	}
	if got, ok := c.Receive(0); ok {
		t.Errorf("got %s", got)
	}
}

// Whatever the refusal, there is nothing but the close; a server that goes away closes with 1012.
func TestRefuse_TheCloseFrameSaysIt(t *testing.T) {
	for reason, code := range map[protocol.Reason]int{
		protocol.Draining: 1012, protocol.Disconnected: 1000, protocol.Revoked: 1008, protocol.TokenExpired: 1008,
		protocol.Slow:   1008,
		protocol.Silent: 1001, protocol.Internal: 1011, protocol.RateLimited: 1008,
	} {
		e := engine(t)
		c, err := e.Connect(Path+"?access_token="+e.Token(dialecttest.Token{User: "7", TTL: time.Hour}), nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Reject(protocol.Refuse(reason, "the detail"), false)
		c.Reject(protocol.Refuse(reason, "the detail"), true)
		if got, _ := c.Receive(0); !got.Closed || got.Code != code || got.Reason != string(reason) {
			t.Errorf("%s: got %s", reason, got)
		}
	}
}

// A token that was revoked between the handshake and the opening leaves the end to the engine.
func TestOpened_AskedOnceMoreWithAToken(t *testing.T) {
	s, credential, _ := open(t, New(DefaultConfig()), Path+"?access_token=abc")
	commands := s.OnOpen(time.Time{}, 1)
	if len(commands) != 1 {
		t.Fatalf("got %v", commands)
	}
	ask := commands[0].(protocol.Authenticate)
	if !ask.IgnoreExpiry || ask.Credential.Token != credential.Token ||
		s.Answer(ask, protocol.Outcome{Err: protocol.Refuse(protocol.Revoked, "")}) != nil {
		t.Errorf("got %+v", ask.IgnoreExpiry)
	}
	if s.(*session).shown != nil {
		t.Error("the token is kept")
	}
	s, _, _ = open(t, New(DefaultConfig()), Path+"?ticket=abc")
	if commands := s.OnOpen(time.Time{}, 1); commands != nil {
		t.Error("a ticket is shown twice")
	}
}

func event(t testing.TB, kind protocol.Kind, data string) *protocol.Event {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{ID: "e1", Kind: kind, Data: []byte(data)})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// R002.8: JSON-serializable data, unchanged on the wire.
func TestEncode_Bytes(t *testing.T) {
	d := New(DefaultConfig())
	for _, c := range []struct {
		kind       protocol.Kind
		data, want string
	}{
		{protocol.JSON, `{ "n": 23.0 , "t":"<é\u00e9>"}`, `{ "n": 23.0 , "t":"<é\u00e9>"}`},
		{protocol.Message, `{"level":"info","message":"a <b> \" \u0041","title":"T","tags":"x","more":1}`,
			`{"message":"a <b> \" \u0041","level":"info","title":"T"}`},
		{protocol.Message, `{"title":null,"message":"","level":"error"}`, `{"message":"","level":"error","title":""}`},
		{protocol.Telemetry, `{"device_id":1,"telemetry":{}}`, ``},
		{protocol.TriggerUpdate, `{"outpost":"o"}`, ``},
	} {
		if got := string(d.Encode(protocol.Delivery{Event: event(t, c.kind, c.data)}).Data); got != c.want {
			t.Errorf("%s: got %s, want %s", c.kind, got, c.want)
		}
	}
}

func TestConfig_Defaults(t *testing.T) {
	dialecttest.CheckDefaults(t, DefaultConfig())
	if err := DefaultConfig().Check(); err != nil || DefaultConfig().OpenUserPath {
		t.Error(err)
	}
	if got, want := New(DefaultConfig()).Limits(), (protocol.Limits{Frame: 65536, Rate: 100, Burst: 100}); got != want {
		t.Errorf("got %+v", got)
	}
}

// reliability.md check 62: whatever the request, it is refused with 403 or shows exactly one credential.
func FuzzOpen(f *testing.F) {
	for _, transcript := range dialecttest.Load(f, Transcripts, "transcripts/*.txt") {
		for _, step := range transcript.Steps {
			if step.Verb == dialecttest.Open {
				path, query, _ := strings.Cut(step.Text, "?")
				f.Add(path, query, true)
				f.Add(path, query, false)
			}
		}
	}
	f.Fuzz(func(t *testing.T, path, query string, openPath bool) {
		if path != Path && !strings.HasPrefix(path, Path+"/") {
			return // no route leads here
		}
		values, _ := url.ParseQuery(query)
		d := New(Config{OpenUserPath: openPath})
		opened, refusal := d.Open(protocol.Handshake{Path: path, Query: values})
		s, credential := opened.Session, opened.Credential
		if refusal != nil {
			if s != nil || credential != nil || refusal.Reason.Status() != 403 ||
				strings.Contains(refusal.Error(), query) && len(query) > 20 {
				t.Fatalf("%q %q: %v", path, query, refusal)
			}
			return
		}
		if s == nil || (credential.Token == "") != (credential.Form == protocol.Unverified) ||
			(credential.Form == protocol.Unverified) != (strings.TrimSuffix(path, "/") != Path) {
			t.Fatalf("%q %q: %+v", path, query, *credential)
		}
	})
}

// reliability.md check 62: arbitrary frames never panic and are never answered.
func FuzzReceive(f *testing.F) {
	for _, transcript := range dialecttest.Load(f, Transcripts, "transcripts/*.txt") {
		for _, step := range transcript.Steps {
			if step.Verb == dialecttest.Text || step.Verb == dialecttest.Binary {
				f.Add([]byte(step.Text), step.Verb == dialecttest.Binary)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		s := &session{}
		for range 2 {
			_, commands := s.Receive(time.Time{}, protocol.ClientMessage{Data: data, Binary: binary})
			for _, command := range commands {
				if report, ok := command.(protocol.Report); !ok || len(report.Data) > 1000 {
					t.Fatalf("%q: %v", data, command)
				}
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	d := New(DefaultConfig())
	for _, c := range []struct {
		kind protocol.Kind
		data string
	}{
		{protocol.Message, `{"level":"error","title":"Disk","message":"full"}`},
		{protocol.JSON, `{"message":"NEW_ACTIVITY_NOTIFICATION","notification_id":9}`},
	} {
		b.Run(string(c.kind), func(b *testing.B) {
			ev := event(b, c.kind, c.data)
			b.ReportAllocs()
			for b.Loop() {
				d.Encode(protocol.Delivery{Event: ev})
			}
		})
	}
}

func TestClient_ShowsTheTokenInTheQueryAndCannotAskForTopics(t *testing.T) {
	client := Registration.Dialects[0].Client
	got, err := client.Open("T", nil)
	if err != nil || got.Path != "/api/v1/ws" || got.Query.Encode() != "access_token=T" {
		t.Errorf("it opens %+v %v", got, err)
	}
	if _, err := client.Subscribe("T", []string{"alerts"}); err == nil {
		t.Error("it can ask for a topic")
	}
}
