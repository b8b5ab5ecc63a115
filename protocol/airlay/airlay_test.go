package airlay

import (
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/dialecttest"
	"github.com/parley-realtime/parley/protocol/firstframe"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

func configured(s dialecttest.Settings) (*Dialect, error) {
	config := DefaultConfig()
	if err := s.Apply(&config); err != nil {
		return nil, err
	}
	return New(config), config.Check()
}

func engine(t testing.TB) *dialecttest.Engine {
	return dialecttest.NewEngine(t, func(s dialecttest.Settings) (protocol.Dialect, error) { return configured(s) })
}

// ownEngine serves the listener of AirLay's own.
func ownEngine(t testing.TB) *dialecttest.Engine {
	return dialecttest.NewEngine(t, func(s dialecttest.Settings) (protocol.Dialect, error) {
		d, err := configured(s)
		return firstframe.Alone(d, append(d.PathsAlone(), d.Paths()...)...), err
	})
}

// R004.3, R004.5: the same on the shared listener and on AirLay's own.
func TestTranscripts(t *testing.T) {
	for _, transcript := range dialecttest.Load(t, Transcripts, "transcripts/*.txt") {
		t.Run(transcript.Name, func(t *testing.T) { dialecttest.Play(t, transcript, engine(t)) })
		t.Run("own listener/"+transcript.Name, func(t *testing.T) { dialecttest.Play(t, transcript, ownEngine(t)) })
	}
}

const (
	user   = "5dad615eae019570fb4647ed"
	object = "610217e481f6fc54736209e0"
)

// sample is the request that the document prints; its token expired in 2024.
var sample = func() string {
	transcript, err := Transcripts.ReadFile("transcripts/sample.txt")
	if err != nil {
		panic(err)
	}
	_, rest, _ := strings.Cut(string(transcript), "\nC ")
	request, _, _ := strings.Cut(rest, "\n")
	return request
}()

// R004.20, R004.36: the printed request is well formed; its user is named by data.id, and has to be one that the tenant
// knows.
func TestReceive_AsksForTheUserOfTheToken(t *testing.T) {
	if len(sample) < 1024 {
		t.Fatalf("the printed request has %d bytes", len(sample))
	}
	s := &session{}
	messages, commands := s.Receive(time.Time{}, protocol.ClientMessage{Data: []byte(sample)})
	if messages != 1 || len(commands) != 1 {
		t.Fatalf("got %d, %v", messages, commands)
	}
	got := commands[0].(protocol.Verify).Credential
	if got.Form != protocol.Token || !strings.HasPrefix(got.Token, "eyJ0eXAi") || got.Claims.User[0] != "data.id" ||
		!got.Claims.Known || got.Claims.Anonymous {
		t.Errorf("got %+v", got.Claims)
	}
	if s.request.topic != "issueUpdate/"+object || !s.request.attach || s.request.wrong {
		t.Errorf("got %+v", s.request)
	}
}

// The user of the first token becomes the connection's, once, and outlives it; rights go by each request's own token.
func TestAnswer_OneIdentityForTheConnectionAndOnePerRequest(t *testing.T) {
	s := &session{}
	first, second := &protocol.Identity{User: "a"}, &protocol.Identity{User: "b"}
	verify := func(id *protocol.Identity) protocol.Command {
		_, commands := s.Receive(time.Time{}, protocol.ClientMessage{Data: []byte(sample)})
		next := s.Answer(commands[0], protocol.Outcome{Identity: id})
		if len(next) != 1 {
			t.Fatalf("got %v", next)
		}
		return next[0]
	}
	login, ok := verify(first).(protocol.Authenticate)
	if !ok || !login.IgnoreExpiry || login.Credential.Token == "" || !login.Credential.Claims.Known {
		t.Fatalf("got %T", login)
	}
	if subscribe := s.Answer(login, protocol.Outcome{Identity: first})[1].(protocol.Subscribe); subscribe.As != first {
		t.Errorf("got %+v", subscribe)
	}
	s.Answer(protocol.Subscribe{}, protocol.Outcome{})
	if subscribe := verify(second).(protocol.Subscribe); subscribe.As != second {
		t.Errorf("got %+v", subscribe)
	}
	if got := s.Answer(protocol.Subscribe{},
		protocol.Outcome{})[0].(protocol.Send); string(got.Text) != `{"status":200,"message":"Ok","code":0}` {
		t.Errorf("got %s", got.Text)
	}
	if s.request != nil || s.identity != nil {
		t.Error("something of the request is kept")
	}
}

// R004.21, R004.26, R004.27, R004.28, R004.29, R004.30: every refusal has its code, and the messages of the document
// stay with theirs.
func TestRefuse_EveryReasonHasItsCode(t *testing.T) {
	for reason, want := range map[protocol.Reason]string{
		protocol.Unauthorized: `{"status":400,"message":"Token not set","code":1}`,
		protocol.InvalidToken: `{"status":400,"message":"Invalid token","code":2}`,
		protocol.TokenExpired: `{"status":400,"message":"Invalid token","code":2}`,
		protocol.Revoked:      `{"status":400,"message":"Invalid token","code":2}`,
		protocol.UnknownUser:  `{"status":400,"message":"User not exists","code":3}`,
		protocol.Forbidden:    `{"status":400,"message":"Not access for dataset","code":4}`,
		protocol.NotFound:     `{"status":400,"message":"Not access for dataset","code":4}`,
		protocol.Malformed:    `{"status":400,"message":"Invalid request","code":5}`,
		protocol.Busy:         `{"status":400,"message":"the \"detail\"","code":5}`,
		protocol.TooMany:      `{"status":400,"message":"the \"detail\"","code":5}`,
		protocol.Internal:     `{"status":400,"message":"the \"detail\"","code":5}`,
	} {
		s := &session{}
		_, commands := s.Receive(time.Time{}, protocol.ClientMessage{Data: []byte(sample)})
		got := s.Answer(commands[0], protocol.Outcome{Err: protocol.Refuse(reason, `the "detail"`)})
		if len(got) != 1 || string(got[0].(protocol.Send).Text) != want {
			t.Errorf("%s: got %s, want %s", reason, got, want)
		}
		if s.request != nil {
			t.Errorf("%s: the request is kept", reason)
		}
	}
}

// R004.40: no error of a request closes; the engine's final refusals do, without words of which none is documented.
func TestRefuse_TheCloseFrameSaysIt(t *testing.T) {
	for reason, code := range map[protocol.Reason]int{
		protocol.Draining: 1012, protocol.Disconnected: 1000, protocol.Revoked: 1008, protocol.Slow: 1008,
		protocol.Silent: 1001, protocol.Internal: 1011,
	} {
		c, err := engine(t).Connect(Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Reject(protocol.Refuse(reason, "the detail"), true)
		if got, _ := c.Receive(0); !got.Closed || got.Code != code || got.Reason != string(reason) {
			t.Errorf("%s: got %s", reason, got)
		}
	}
	c, _ := engine(t).Connect(Path, nil)
	c.Reject(protocol.Refuse(protocol.Busy, "later"), false)
	if got, _ := c.Receive(0); string(got.Data) != `{"status":400,"message":"later","code":5}` {
		t.Errorf("got %s", got)
	}
}

// R004.3, R004.7
func TestOwnListener_AnswersOnTheRootAndBecomesTheDialectItself(t *testing.T) {
	d := New(DefaultConfig())
	o := firstframe.Alone(d, append(d.PathsAlone(), d.Paths()...)...)
	if paths := o.Paths(); len(paths) != 2 || paths[0] != "/" || paths[1] != "/ws" || o.Name() != "airlay" {
		t.Errorf("got %q", paths)
	}
	opened, refusal := o.Open(protocol.Handshake{Path: "/"})
	if opened.Credential != nil || refusal != nil {
		t.Fatal(refusal)
	}
	commands := opened.Session.OnOpen(time.Time{}, 1)
	become, ok := commands[0].(protocol.SwitchDialect)
	if len(commands) != 1 || !ok || become.Dialect != protocol.Dialect(d) {
		t.Fatalf("got %v", commands)
	}
	if _, ok := become.Session.(*session); !ok {
		t.Errorf("got %T", become.Session)
	}
	e := ownEngine(t)
	c, err := e.Connect("/", nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Send([]byte(`{"auth":"`+e.Token(dialecttest.Token{User: user, Topics: []protocol.Pattern{"*"}, TTL: time.Hour})+
		`","action":"attach","event":{"type":"uploadFile","id":"`+object+`"}}`), false)
	if got, _ := c.Receive(0); string(got.Data) != `{"status":200,"message":"Ok","code":0}` {
		t.Errorf("got %s", got)
	}
}

// R004.5, R004.6, R004.7, R004.42
func TestConfig_HasTheKeysOfTheDocument(t *testing.T) {
	dialecttest.CheckDefaults(t, DefaultConfig())
	config := DefaultConfig()
	if err := (dialecttest.Settings{"address": "0.0.0.0", "port": "8081"}).Apply(&config); err != nil ||
		config.Check() != nil {
		t.Fatal(err)
	}
	if got := config.Listen(); got != "0.0.0.0:8081" || DefaultConfig().Listen() != "" {
		t.Errorf("got %q", got)
	}
	config.Address = "::1"
	if got := config.Listen(); got != "[::1]:8081" {
		t.Errorf("got %q", got)
	}
	want := protocol.Limits{Frame: 65536, Rate: 100, Burst: 100, Login: 20 * time.Second, Subscriptions: 1000}
	if got := New(DefaultConfig()).Limits(); got != want {
		t.Errorf("got %+v", got)
	}
	for key, values := range map[string][]string{
		"port": {"-1", "65536"}, "frame_bytes": {"2047", "1048577"}, "requests_per_second": {"-1"},
		"attachments":   {"0", "100001"},
		"login_timeout": {"0s", "999ms", "61m"},
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

func TestRecognises_ARequestByItsMembers(t *testing.T) {
	for frame, want := range map[string]bool{
		sample: true, `{"auth":null}`: true, `{"action":1}`: true, `{"event":{}}`: true,
		`{}`: false, `[]`: false, ``: false, `{"auth":`: false, `{"event":"x"}`: false, `{"event":null}`: false,
		`"auth"`:                      false,
		`{"type":"auth","token":"x"}`: false, `{"type":"subscribe","channel":"alerts"}`: false,
		`{"auth":1,"auth":2}`: false,
	} {
		if got := New(DefaultConfig()).Recognises([]byte(frame)); got != want {
			t.Errorf("%s: %v", frame, got)
		}
	}
}

// What is kept of a frame is a copy, and a session is small.
func TestRequest_IsACopy(t *testing.T) {
	frame := []byte(sample)
	r, wrong := read(protocol.ClientMessage{Data: frame})
	if wrong != done {
		t.Fatal(wrong)
	}
	for i := range frame {
		frame[i] = 'Z'
	}
	if strings.Contains(r.auth+r.topic, "ZZZ") {
		t.Errorf("got %+v", r)
	}
	if size := unsafe.Sizeof(session{}); size > 48 {
		t.Errorf("a session has %d bytes", size)
	}
}

// reliability.md check 62: arbitrary frames never panic, never close, and get exactly one reply with three members.
func FuzzReceive(f *testing.F) {
	for _, transcript := range dialecttest.Load(f, Transcripts, "transcripts/*.txt") {
		for _, step := range transcript.Steps {
			if step.Verb == dialecttest.Text || step.Verb == dialecttest.Binary {
				f.Add([]byte(strings.ReplaceAll(step.Text, "${token:"+user+"}", "token.1.of-"+user)),
					step.Verb == dialecttest.Binary)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		if len(data) > DefaultConfig().FrameBytes {
			return
		}
		e := engine(t)
		e.Token(dialecttest.Token{User: user, Topics: []protocol.Pattern{"issueUpdate"}, TTL: time.Hour})
		c, err := e.Connect(Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			c.Send(data, binary)
			got, ok := c.Receive(0)
			reply, err := rawjson.ReadObject(got.Data)
			if !ok || got.Closed || err != nil || len(reply) != 3 {
				t.Fatalf("%q got %s", data, got)
			}
			status, code := string(rawjson.Find(reply, "status")), string(rawjson.Find(reply, "code"))
			if (status == "200") != (code == "0") || len(code) != 1 || code[0] > '5' {
				t.Fatalf("%q got %s", data, got)
			}
			if more, ok := c.Receive(0); ok {
				t.Fatalf("%q got %s and %s", data, got, more)
			}
		}
	})
}
