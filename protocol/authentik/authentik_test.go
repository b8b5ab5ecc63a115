package authentik

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/dialecttest"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

const (
	one = "0fc6b9a6-2b44-4b0e-9d4a-3c2f7b6a1d11"
	id  = "da95bcd8-1c1e-4b7a-8d0f-1f2e3d4c5b6a"
)

func engine(t testing.TB, build func(Config) protocol.Dialect) *dialecttest.Engine {
	return dialecttest.NewEngine(t, func(s dialecttest.Settings) (protocol.Dialect, error) {
		config := DefaultConfig()
		if err := s.Apply(&config); err != nil {
			return nil, err
		}
		return build(config), config.Check()
	})
}

func client(config Config) protocol.Dialect  { return NewPage(config) }
func outpost(config Config) protocol.Dialect { return NewOutpost(config) }

func TestClientTranscripts(t *testing.T) {
	for _, transcript := range dialecttest.Load(t, Transcripts, "transcripts/client/*.txt") {
		t.Run(transcript.Name, func(t *testing.T) { dialecttest.Play(t, transcript, engine(t, client)) })
	}
}

func TestOutpostTranscripts(t *testing.T) {
	for _, transcript := range dialecttest.Load(t, Transcripts, "transcripts/outpost/*.txt") {
		t.Run(transcript.Name, func(t *testing.T) { dialecttest.Play(t, transcript, engine(t, outpost)) })
	}
}

// connected is an outpost's connection.
func connected(t testing.TB, e *dialecttest.Engine, query string) *dialecttest.Connection {
	t.Helper()
	token := e.Token(dialecttest.Token{User: "ak", Form: protocol.Outpost, For: one, Topics: []protocol.Pattern{"*"},
		TTL: time.Hour})
	c, err := e.Connect("/ws/outpost/"+one+"/"+query, http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// R003.20, R003.22, R003.23, R003.24, R003.25, R003.26, R003.27: which instances are announced, for how long, and how.
func TestInstance_AnnouncesItself(t *testing.T) {
	const full = `{"buildHash":"tagged","hostname":"vm","uuid":"` + id + `","version":"2024.10.4"}`
	for name, c := range map[string]struct {
		query string
		says  []string
		want  []string // member and data
	}{
		"as the real one does": {"?instance_uuid=" + id, []string{`{"instruction":1,"args":` + full + "}\n",
			`{"instruction":1,"args":` + full + `}`},
			[]string{id + " " + full, id + " " + full}},
		"by args.uuid": {"", []string{`{"instruction":1,"args":` + full + `}`}, []string{id + " " + full}},
		"the query wins": {"?instance_uuid=other", []string{`{"instruction":1,"args":` + full + `}`},
			[]string{"other " + full}},
		"empty args keep what was told": {"", []string{`{"instruction":1,"args":` + full + `}`,
			`{"instruction":1,"args":{}}`, `{"instruction":1}`, `{"instruction":1,"args":null}`,
			`{"instruction":9,"args":{"version":"x"}}`},
			[]string{id + " " + full, id + " " + full, id + " " + full, id + " " + full, id + " " + full}},
		"a later HELLO replaces it": {"", []string{`{"instruction":1,"args":` + full + `}`,
			`{"instruction":1,"args":{"version":"2"}}`},
			[]string{id + " " + full, id + ` {"version":"2"}`}},
		"by the connection": {"", []string{`{"instruction":1}`, `{"instruction":5,"args":{"uuid":"x"}}`,
			`{"instruction":1,"args":{"uuid":7,"v":1}}`},
			[]string{"ws-1 {}", "ws-1 {}", `ws-1 {"uuid":7,"v":1}`}},
		"an ACK is no sign of life": {"", []string{`{"instruction":0}`}, nil},
		"names that are none": {"?instance_uuid=%00%1b[31m", []string{`{"instruction":1,"args":{"uuid":" "}}`,
			`{"instruction":1,"args":{"uuid":"` + strings.Repeat("x", 256) + `"}}`},
			[]string{`ws-1 {"uuid":" "}`, `ws-1 {"uuid":"` + strings.Repeat("x", 256) + `"}`}},
	} {
		e := engine(t, outpost)
		conn := connected(t, e, c.query)
		for _, frame := range c.says {
			conn.Send([]byte(frame), false)
		}
		var got []string
		for _, a := range e.Announced {
			if a.Topic != "outposts/"+one || a.For != 15*time.Second {
				t.Errorf("%s: %+v", name, a)
			}
			got = append(got, a.Member+" "+string(a.Data))
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		for range c.want {
			if said, _ := conn.Receive(0); string(said.Data) != `{"instruction":0,"args":{}}` {
				t.Errorf("%s: got %s", name, said)
			}
		}
		if said, ok := conn.Receive(0); ok {
			t.Errorf("%s: got %s", name, said)
		}
	}
}

// R003.28: instances of one outpost are told apart.
func TestInstance_SeveralOfOneOutpost(t *testing.T) {
	e := engine(t, outpost)
	a, b := connected(t, e, "?instance_uuid=a"), connected(t, e, "?instance_uuid=b")
	a.Send([]byte(`{"instruction":1,"args":{}}`), false)
	b.Send([]byte(`{"instruction":1,"args":{}}`), false)
	if len(e.Announced) != 2 || e.Announced[0].Member != "a" || e.Announced[1].Member != "b" {
		t.Errorf("got %+v", e.Announced)
	}
}

// What is kept of a frame is a copy.
func TestInstance_FramesAreNotKept(t *testing.T) {
	e := engine(t, outpost)
	c := connected(t, e, "")
	frame := []byte(`{"instruction":1,"args":{"uuid":"abc"}}`)
	c.Send(frame, false)
	for i := range frame {
		frame[i] = 'Z'
	}
	c.Send([]byte(`{"instruction":1}`), false)
	for _, a := range e.Announced {
		if a.Member != "abc" || string(a.Data) != `{"uuid":"abc"}` {
			t.Errorf("got %+v", a)
		}
	}
	if size := unsafe.Sizeof(instance{}); size > 64 {
		t.Errorf("an instance has %d bytes", size)
	}
}

// Whatever the refusal, there is nothing but the close in either dialect; a server that goes away closes with 1012.
func TestRefuse_TheCloseFrameSaysIt(t *testing.T) {
	for reason, code := range map[protocol.Reason]int{
		protocol.Draining: 1012, protocol.Disconnected: 1000, protocol.Revoked: 1008, protocol.TokenExpired: 1008,
		protocol.Slow:   1008,
		protocol.Silent: 1001, protocol.Internal: 1011, protocol.RateLimited: 1008,
	} {
		e := engine(t, client)
		page, err := e.Connect("/ws/client/",
			http.Header{"Cookie": {"authentik_session=" + e.Token(dialecttest.Token{User: "u", TTL: time.Hour})}})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []*dialecttest.Connection{page, connected(t, engine(t, outpost), "")} {
			c.Reject(protocol.Refuse(reason, "the detail"), false)
			c.Reject(protocol.Refuse(reason, "the detail"), true)
			if got, _ := c.Receive(0); !got.Closed || got.Code != code || got.Reason != string(reason) {
				t.Errorf("%s: got %s", reason, got)
			}
		}
	}
}

func TestConfig_PathBeginsAndEndsWithASlash(t *testing.T) {
	dialecttest.CheckDefaults(t, DefaultConfig())
	for path, want := range map[string]string{
		"/": "/ws/client/", "/auth/": "/auth/ws/client/", "/foo/bar-1/": "/foo/bar-1/ws/client/",
		"": "", "auth": "", "/auth": "", "auth/": "", "//": "", "/a//b/": "", "/../": "", "/{x}/": "", "/a%2fb/": "",
		"/a?b/": "", "/a\nb/": "",
	} {
		config := Config{Path: path}
		if got := NewPage(config).Paths()[0]; want != "" && got != want || want == "" && got != "/ws/client/" {
			t.Errorf("%q: got %s", path, got)
		}
		if err := config.Check(); (err == nil) != (want != "") || err != nil &&
			!strings.HasPrefix(err.Error(), "path is ") {
			t.Errorf("%q: %v", path, err)
		}
	}
	if got := NewOutpost(Config{Path: "/auth/"}).Paths(); len(got) != 2 || got[0] != "/auth/ws/outpost/{uuid}/" ||
		got[1] != "/auth/ws/outpost/{uuid}" {
		t.Errorf("got %q", got)
	}
}

// R003.9: messages for a user without a connection wait, in this dialect alone.
func TestLimits_ThePagesHaveAnInbox(t *testing.T) {
	want := protocol.Limits{Frame: 65536, Rate: 100, Burst: 100, Inbox: true}
	if got := NewPage(DefaultConfig()).Limits(); got != want {
		t.Errorf("got %+v", got)
	}
	want.Inbox, want.Unread = false, 30*time.Second
	if got := NewOutpost(DefaultConfig()).Limits(); got != want {
		t.Errorf("got %+v", got)
	}
}

// reliability.md check 62: arbitrary frames never panic; an outpost hears ACKs and nothing else, or the close with
// 1000.
func FuzzOutpost(f *testing.F) {
	for _, transcript := range dialecttest.Load(f, Transcripts, "transcripts/outpost/*.txt") {
		for _, step := range transcript.Steps {
			if step.Verb == dialecttest.Text || step.Verb == dialecttest.Binary {
				f.Add([]byte(step.Text), step.Verb == dialecttest.Binary)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		e := engine(t, outpost)
		c := connected(t, e, "")
		c.Send(data, binary)
		c.Send(data, binary)
		acks := 0
		for {
			got, ok := c.Receive(0)
			if !ok {
				break
			}
			if got.Closed && got.Code != 1000 && len(data) <= frame || !got.Closed &&
				string(got.Data) != string(acknowledged.Text) {
				t.Fatalf("%q got %s", data, got)
			}
			if !got.Closed {
				acks++
			}
		}
		if acks != len(e.Announced) {
			t.Fatalf("%q: %d ACKs, %d signs of life", data, acks, len(e.Announced))
		}
		for _, a := range e.Announced {
			if _, err := rawjson.ReadObject(a.Data); err != nil || protocol.CheckName("member", a.Member) != nil {
				t.Fatalf("%q: %+v", data, a)
			}
		}
	})
}

// reliability.md check 62: arbitrary frames of a page are ignored or close with 1000.
func FuzzClient(f *testing.F) {
	for _, transcript := range dialecttest.Load(f, Transcripts, "transcripts/client/*.txt") {
		for _, step := range transcript.Steps {
			if step.Verb == dialecttest.Text || step.Verb == dialecttest.Binary {
				f.Add([]byte(step.Text), step.Verb == dialecttest.Binary)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		_, commands := page{}.Receive(time.Time{}, protocol.ClientMessage{Data: data, Binary: binary})
		if len(commands) > 1 || len(commands) == 1 && commands[0] != protocol.Command(protocol.Close{Code: 1000}) {
			t.Fatalf("%q: %v", data, commands)
		}
	})
}
