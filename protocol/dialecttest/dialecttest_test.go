package dialecttest

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func TestParse_NamesFileAndLineOfWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "no step",
		"# only a comment\n\n":                  "no step",
		"path /ws\nhello":                       `x.txt:2: unknown step "hello"`,
		"S {\"a\":}":                            "x.txt:1: the pattern is no valid JSON",
		"S {\"a":                                "does not end",
		"S":                                     "x.txt:1",
		"B zz":                                  "x.txt:1",
		"E soon":                                "x.txt:1",
		"wait":                                  "x.txt:1",
		"wait -1s":                              "no sensible time",
		"set x":                                 "a key and a value",
		"C":                                     "wants something",
		"leave now":                             "nothing may stand",
		"repeat 0 C x":                          "repeat wants a number",
		"repeat 9999999 C x":                    "repeat wants a number",
		"repeat 2":                              "unknown step",
		strings.Repeat("repeat 9999 C x\n", 11): "more than 100000 steps",
	} {
		_, err := Parse("x.txt", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got error %v, want %q", text, err, want)
		}
	}
}

func TestParse_RepeatRepeats(t *testing.T) {
	transcript, err := Parse("a/b.txt", []byte("path /ws\nrepeat 3 C {}\nB 00ff\nsilence\nwait 5s\nE 1008 slow"))
	if err != nil {
		t.Fatal(err)
	}
	if len(transcript.Steps) != 8 || transcript.Name != "b" {
		t.Fatalf("got %+v", transcript)
	}
	last := transcript.Steps[7]
	if transcript.Steps[4].Text != "\x00\xff" || transcript.Steps[5].Time != quiet ||
		transcript.Steps[6].Time != 5*time.Second ||
		last.Code != 1008 || last.Text != "slow" || last.Line != 6 {
		t.Errorf("got %+v", transcript.Steps)
	}
}

// fatal is what a failing test looks like from inside.
type fatal struct {
	testing.TB
	failed bool
}

func (f *fatal) Helper()               {}
func (f *fatal) Fatal(...any)          { f.failed = true; panic(f) }
func (f *fatal) Fatalf(string, ...any) { f.failed = true; panic(f) }

func fails(do func(testing.TB)) (failed bool) {
	f := &fatal{}
	defer func() {
		if r := recover(); r != nil && r != any(f) {
			panic(r)
		}
		failed = f.failed
	}()
	do(f)
	return
}

func TestLoad_FailsOnZeroFiles(t *testing.T) {
	files := fstest.MapFS{"transcripts/a.txt": {Data: []byte("path /ws")},
		"transcripts/b.txt": {Data: []byte("path /ws\nleave")}}
	if got := Load(t, files, "transcripts/*.txt"); len(got) != 2 || got[1].Name != "b" {
		t.Errorf("got %+v", got)
	}
	if !fails(func(t testing.TB) { Load(t, files, "moved/*.txt") }) {
		t.Error("loading nothing did not fail")
	}
}

func TestMatch_ComparesByStructure(t *testing.T) {
	for _, c := range []struct {
		pattern, got string
		ok           bool
	}{
		{`{"a":1,"b":"x"}`, `{"b":"x", "a":1}`, true},
		{`{"a":1}`, `{"a":1,"b":2}`, false},
		{`{"a":1, ...}`, `{"a":1,"b":2}`, true},
		{`{...}`, `{}`, true},
		{`{"a":1,"b":2}`, `{"a":1}`, false},
		{`{"a":[1,2]}`, `{"a":[1,2]}`, true},
		{`{"a":[1]}`, `{"a":[1,2]}`, false},
		{`{"a":[1, ...]}`, `{"a":[1,2]}`, true},
		{`{"a":[1,2,3]}`, `{"a":[1,2]}`, false},
		{`{"a":[1]}`, `{"a":{"0":1}}`, false},
		{`{"a":{"b":{"c":23.0}}}`, `{"a":{"b":{"c":23}}}`, false},
		{`{"a":"°C"}`, `{"a":"\u00b0C"}`, true},
		{`{"a":"1"}`, `{"a":1}`, false},
		{`{"a":null}`, `{"a":null}`, true},
		{`{"a":"${any}"}`, `{"a":[null]}`, true},
		{`{"a":"${number}"}`, `{"a":-1.5}`, true},
		{`{"a":"${number}"}`, `{"a":"1"}`, false},
		{`{"a":"${string}"}`, `{"a":"..."}`, true},
		{`{"a":"${timestamp}"}`, `{"a":"2024-01-01T12:00:00.123Z"}`, true},
		{`{"a":"${timestamp}"}`, `{"a":"2024-01-01T12:00:00+01:00"}`, false},
		{`{"a":"${timestamp}"}`, `{"a":1704110400.123}`, false},
		{`{"a":"${unix}"}`, `{"a":1704110400.123}`, true},
		{`{"a":"${unix}"}`, `{"a":1704110400}`, false},
		{`{"a":"${match ^ws-[0-9]+$}"}`, `{"a":"ws-12"}`, true},
		{`{"a":"${match ^ws-[0-9]+$}"}`, `{"a":"ws-"}`, false},
		{`{"a":"..."}`, `{"a":"..."}`, true},
		{`{"a":1}`, `{"a":1,"a":1}`, false},
		{`{"a":1}`, `nonsense`, false},
		{`"pong"`, `"pong"`, true},
		{`{}`, ` {} `, true},
	} {
		if err := Match(c.pattern, []byte(c.got)); (err == nil) != c.ok {
			t.Errorf("%s against %s: %v", c.pattern, c.got, err)
		}
	}
}

func TestMatch_NamesThePlace(t *testing.T) {
	err := Match(`{"a":{"b":[1,{"c":2}]}}`, []byte(`{"a":{"b":[1,{"c":3}]}}`))
	if err == nil || err.Error() != "a.b[1].c is 3, not 2" {
		t.Errorf("got %v", err)
	}
}

func TestSettings_GoByTheKeysOfTheConfigurationFile(t *testing.T) {
	var config struct {
		On    bool          `yaml:"on"`
		Most  int           `yaml:"most"`
		After time.Duration `yaml:"after"`
		Word  string        `yaml:"word"`
	}
	if err := (Settings{"on": "true", "most": "7", "after": "5s", "word": "x"}).Apply(&config); err != nil {
		t.Fatal(err)
	}
	if !config.On || config.Most != 7 || config.After != 5*time.Second || config.Word != "x" {
		t.Errorf("got %+v", config)
	}
	for key, value := range map[string]string{"onn": "true", "on": "perhaps", "most": "many", "after": "5"} {
		if err := (Settings{key: value}).Apply(&config); err == nil {
			t.Errorf("%s = %s was accepted", key, value)
		}
	}
}

func TestToken_PlaceholdersSayWhatTheTokenIs(t *testing.T) {
	e := NewEngine(t, nil)
	text, err := substitute("a ${token:alice topics=a,b/* ttl=10s type=refresh id=7} ${expired:bob} ${foreign:eve} "+
		"${pad:3}", e)
	if err != nil {
		t.Fatal(err)
	}
	if want := "a token.1.of-alice token.2.of-bob token.3.of-eve xxx"; text != want {
		t.Fatalf("got %q", text)
	}
	alice := e.tokens["token.1.of-alice"]
	if len(alice.identity.Topics) != 2 || alice.identity.Topics[1] != protocol.Pattern("b/*") ||
		alice.token.Type != "refresh" ||
		alice.identity.TokenID != "7" || !alice.identity.Expires.Equal(e.now.Add(10*time.Second)) {
		t.Errorf("got %+v %+v", alice.token, alice.identity)
	}
	for _, bad := range []string{"${token}", "${token:a x=1}", "${token:a ttl=z}", "${pad:x}", "${pad:-1}",
		"${other:a}", "${token:a"} {
		if _, err := substitute(bad, e); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

// echo is a dialect that says back what it hears.
type echo struct{}

func (echo) Name() string            { return "echo" }
func (echo) Paths() []string         { return []string{"/echo", "/echo/{name}"} }
func (echo) Limits() protocol.Limits { return protocol.Limits{Frame: 100} }
func (echo) Open(protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	return protocol.Opened{Session: echo{}}, nil
}
func (echo) Encode(to protocol.Delivery) protocol.Encoded {
	return protocol.Encoded{Data: to.Event.Data}
}
func (echo) OnOpen(time.Time, uint64) []protocol.Command                  { return nil }
func (echo) Answer(protocol.Command, protocol.Outcome) []protocol.Command { return nil }
func (echo) OnTick(time.Time) []protocol.Command                          { return nil }
func (echo) OnReject(_ time.Time, refusal *protocol.Refusal, _ bool) []protocol.Command {
	return protocol.End(refusal, nil)
}
func (echo) Receive(_ time.Time, in protocol.ClientMessage) (int, []protocol.Command) {
	return 1, []protocol.Command{protocol.Send{Text: append([]byte(nil), in.Data...)}}
}

func TestPlay_FailsWhereTheStoryIsNotTold(t *testing.T) {
	for text, want := range map[string]bool{
		"path /echo\nC {\"a\":1}\nS {\"a\":1}\nsilence\nleave":              true,
		"path /echo/x\nas 2\npath /echo/y\nC {}\nas 1\nsilence\nas 2\nS {}": true,
		"path /other\nrefused 404":                                          true,
		"path /echo\nC {\"pad\":\"${pad:200}\"}\nE 1009 too_large":          true,
		"path /other":                          false,
		"path /echo\nrefused 404":              false,
		"path /echo\nC {\"a\":1}\nS {\"a\":2}": false,
		"path /echo\nC {\"a\":1}":              false, // it got more than was told
		"path /echo\nC {\"a\":1}\nsilence":     false,
		"path /echo\nS {}":                     false,
		"path /echo\nE 1000":                   false,
		"path /echo\nC {}\nE 1000":             false,
		"C {}":                                 false,
		"path /echo\npath /echo":               false,
		"path /echo\npublish {}":               false,
		"path /echo\nleave\nC {}":              false,
	} {
		transcript, err := Parse("x.txt", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		engine := NewEngine(t, func(Settings) (protocol.Dialect, error) { return echo{}, nil })
		if failed := fails(func(t testing.TB) { Play(t, transcript, engine) }); failed == want {
			t.Errorf("%q: failed is %v", text, failed)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("# R001.8\npath /ws?token=${token:alice}\nC {\"a\":\"b\"}\nS {\"a\":\"${any}\", ...}\nE 1008 slow")
	f.Add("repeat 3 B 00ff\nsilence 4s\nset a b\nrefused 403\npublish {}\nas 2\nleave")
	f.Add("S [1, ...]\nS {\"a\":[{}, ...], ...}")
	f.Fuzz(func(t *testing.T, text string) {
		transcript, err := Parse("x.txt", []byte(text))
		if err != nil {
			return
		}
		for _, step := range transcript.Steps[:min(100, len(transcript.Steps))] {
			if step.Verb == Hears {
				_ = Match(step.Text, []byte(`{"a":[{"b":1.5}],"c":"d"}`))
			}
		}
	})
}
