package sse

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func eventOf(t *testing.T, data string) *protocol.Event {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON, Topic: "room", Data: []byte(data)})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

func TestEncode_HasIdKindAndEachLineOfTheData(t *testing.T) {
	at := protocol.Position{Epoch: "E", Offset: 7}
	for _, c := range []struct {
		what     string
		delivery protocol.Delivery
		want     string
	}{
		{"one topic", protocol.Delivery{Event: eventOf(t, `{"a":1}`), Topic: "room", Position: at},
			"id: E:7\nevent: json\ndata: {\"a\":1}\n\n"},
		{"line breaks between words",
			protocol.Delivery{Event: eventOf(t, "{\"a\":\r\n1,\n\n\"b\":2}"), Topic: "room", Position: at},
			"id: E:7\nevent: json\ndata: {\"a\":\ndata: 1,\ndata: \"b\":2}\n\n"},
		{"to a user", protocol.Delivery{Event: eventOf(t, `{}`)}, "event: json\ndata: {}\n\n"},
		{"several topics", protocol.Delivery{Event: eventOf(t, `{}`), Topic: "room", Label: several, Position: at},
			"\x00room\x00E:7\nevent: json\ndata: {}\n\n"},
	} {
		if got := (&Dialect{}).Encode(c.delivery); string(got.Data) != c.want || got.Binary || got.Next != nil {
			t.Errorf("%s: %q, want %q", c.what, got.Data, c.want)
		}
	}
}

// openOf opens a session as a client with these parameters and header fields would.
func openOf(t *testing.T, config Config, query, header string) (*session, *protocol.Credential, *protocol.Refusal) {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	fields := http.Header{}
	for line := range strings.Lines(header) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		fields.Add(name, value)
	}
	opened, refusal := NewDialect(config).Open(protocol.Handshake{Path: Path, Query: values, Header: fields.Get})
	if refusal != nil {
		return nil, nil, refusal
	}
	return opened.Session.(*session), opened.Credential, nil
}

func TestOpen_TakesACredentialInThreeForms(t *testing.T) {
	for header, want := range map[string]protocol.Credential{
		"Authorization: bearer  abc":                {Form: protocol.Token, Token: "abc"},
		"Cookie: a=b; authentik_session=abc":        {Form: protocol.Cookie, Token: "abc"},
		"X-None: 1":                                 {Form: protocol.Ticket, Token: "t"},
		"Authorization: Basic abc\nCookie: a=b; c=": {Form: protocol.Ticket, Token: "t"},
	} {
		_, got, err := openOf(t, DefaultConfig(), "topic=a&ticket=t", header)
		if want.Form == protocol.Cookie {
			_, got, err = openOf(t, DefaultConfig(), "topic=a", header)
		}
		if err != nil || got.Form != want.Form || got.Token != want.Token {
			t.Errorf("%s: %#v %s, %v", header, got.Form, got.Token, err)
		}
	}
	for query, want := range map[string]protocol.Reason{
		"topic=a":                          protocol.Unauthorized,
		"topic=a&access_token=x":           protocol.Unauthorized, // it would stand in logs
		"ticket=t":                         protocol.Malformed,
		"topic=a/*&ticket=t":               protocol.Malformed,
		"topic=a&topic=&ticket=t":          protocol.Malformed,
		"topic=a&topic=b&topic=c&ticket=t": protocol.Malformed, // one too many
	} {
		config := DefaultConfig()
		config.Topics = 2
		if _, _, err := openOf(t, config, query, ""); err == nil || err.Reason != want {
			t.Errorf("%s: %v", query, err)
		}
	}
	if _, _, err := openOf(t, Config{}, "topic=a&ticket=t", ""); err == nil || err.Reason != protocol.NotFound {
		t.Errorf("switched off: %v", err)
	}
}

func TestOpen_LeavesOutTopicsBelowOthers(t *testing.T) {
	s, _, err := openOf(t, DefaultConfig(), "topic=a/b&topic=c&topic=a&topic=c&topic=ab&ticket=t", "")
	if err != nil || !slices.Equal(s.topics, []string{"c", "a", "ab"}) {
		t.Errorf("%v, %v", s, err)
	}
}

func TestID_GoesOnFromEachTopic(t *testing.T) {
	for id, want := range map[string][]protocol.Position{
		"":          {{}, {}},
		"E:1,F:22":  {{Epoch: "E", Offset: 1}, {Epoch: "F", Offset: 22}},
		"-,F_9-a:0": {{}, {Epoch: "F_9-a"}},
	} {
		if got, lost := positionsOf(id, 2); lost || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", id, got, lost)
		}
	}
	for _, id := range []string{"E:1", "E:1,F:2,G:3", "E:1,", ",", "E:1,F", "E:1,F:-2", "E:1,:2",
		"E:1,F:99999999999999999999",
		"E:1,a b:2", strings.Repeat("a", maxEpoch+1) + ":1,F:2", strings.Repeat("1", maxID) + ",F:2"} {
		if got, lost := positionsOf(id, 2); !lost || !slices.Equal(got, make([]protocol.Position, 2)) {
			t.Errorf("%q: %v, %v", id, got, lost)
		}
	}
}

// A client of several topics is told where it stands in all of them, by what was written to it.
func TestRewriter_TellsThePositionsInAllTopics(t *testing.T) {
	s, _, _ := openOf(t, DefaultConfig(), "topic=a&topic=b&ticket=t", "Last-Event-ID: E:4,-")
	rewrite := s.Rewriter()
	for _, c := range []struct{ data, want string }{
		{"HTTP/1.1 200 OK", "HTTP/1.1 200 OK"},
		{"\x00b\x00F:9\n\n", "id: E:4,F:9\n\n"},
		{"\x00a\x00E:5\nevent: json\ndata: 1\n\n", "id: E:5,F:9\nevent: json\ndata: 1\n\n"},
		{"event: json\ndata: 1\n\n", "event: json\ndata: 1\n\n"},
		{"\x00b\x00F:10\nevent: x\n\n", "id: E:5,F:10\nevent: x\n\n"},
		{"", ""},
	} {
		if got := rewrite([]byte(c.data)); string(got) != c.want {
			t.Errorf("%q becomes %q, want %q", c.data, got, c.want)
		}
	}
	one, _, _ := openOf(t, DefaultConfig(), "topic=a&ticket=t", "")
	if one.Rewriter() != nil {
		t.Error("the events of one topic are not the same for all")
	}
}

func textOf(commands []protocol.Command) (text string, rest []protocol.Command) {
	for _, c := range commands {
		if send, ok := c.(protocol.Send); ok {
			text += string(send.Text)
		} else {
			rest = append(rest, c)
		}
	}
	return text, rest
}

func TestSession_SaysWhatIsLostAndGoesOn(t *testing.T) {
	s, _, _ := openOf(t, DefaultConfig(), "topic=a&ticket=t", "Last-Event-ID: E:4")
	text, rest := textOf(s.OnOpen(time.Unix(0, 0), 1))
	if !strings.HasPrefix(text, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n") ||
		!strings.HasSuffix(text, "\r\n\r\nretry: 3000\n\n") || len(rest) != 1 {
		t.Fatalf("%q, %v", text, rest)
	}
	asked := rest[0].(protocol.Subscribe)
	if asked.Since != (protocol.Position{Epoch: "E", Offset: 4}) || !asked.Filter.WithPosition {
		t.Errorf("%+v", asked)
	}
	if again := s.Answer(asked, protocol.Outcome{Position: protocol.Position{Epoch: "E", Offset: 9}}); again != nil {
		t.Errorf("a client that resumed is told %v", again)
	}
	text, rest = textOf(s.Answer(asked, protocol.Outcome{Err: &protocol.Refusal{Reason: protocol.PositionLost}}))
	if text != "event: position_lost\ndata: {\"topic\":\"a\"}\n\n" || len(rest) != 1 {
		t.Fatalf("%q, %v", text, rest)
	}
	asked = rest[0].(protocol.Subscribe)
	text, _ = textOf(s.Answer(asked, protocol.Outcome{Position: protocol.Position{Epoch: "F", Offset: 2}}))
	if text != "id: F:2\n\n" {
		t.Errorf("where it goes on: %q", text)
	}
	if foreign, _, _ := openOf(t, DefaultConfig(), "topic=a&ticket=t&last_event_id=what", ""); !foreign.lost {
		t.Error("an id that is none is nothing lost")
	}
}

func TestSession_RefusesByAnHttpStatusAndEndsByAComment(t *testing.T) {
	s, _, _ := openOf(t, DefaultConfig(), "topic=a&ticket=t", "Origin: https://a.example")
	busy := &protocol.Refusal{Reason: protocol.TooMany, Detail: "six"}
	text, rest := textOf(s.OnReject(time.Unix(0, 0), busy, true))
	for _, part := range []string{"HTTP/1.1 429 Too Many Requests\r\n", "\r\nRetry-After: 3\r\n",
		"\r\nContent-Length: 46\r\n", "\r\nAccess-Control-Allow-Origin: https://a.example\r\n",
		"\r\n\r\n" + `{"error":{"code":"too_many","message":"six"}}` + "\n"} {
		if !strings.Contains(text, part) {
			t.Errorf("there is no %q in %q", part, text)
		}
	}
	if len(rest) != 1 || rest[0] != (protocol.Close{}) {
		t.Errorf("%v", rest)
	}
	s.OnOpen(time.Unix(0, 0), 1)
	text, rest = textOf(s.OnReject(time.Unix(0, 0), &protocol.Refusal{Reason: protocol.Draining}, true))
	if text != "" || len(rest) != 1 || rest[0].(protocol.Close).Reason != "draining" {
		t.Errorf("%q, %v", text, rest)
	}
	if err := s.Authorize(&protocol.Identity{}); err == nil || err.Reason != protocol.Forbidden {
		t.Errorf("without the right: %v", err)
	}
}

// Whatever a client sends as an id: nothing of it reaches the stream but what positionOf takes.
func FuzzID(f *testing.F) {
	for _, id := range []string{"", "E:1", "E:1,F:2", "-", "E:1\nevent: x", ",,,"} {
		f.Add(id, 2)
	}
	f.Fuzz(func(t *testing.T, id string, topics int) {
		topics = 1 + (topics&0x7fffffff)%100
		since, lost := positionsOf(id, topics)
		if len(since) != topics {
			t.Fatalf("%d positions for %d topics", len(since), topics)
		}
		for _, at := range since {
			again, ok := positionOf(string(appendPosition(nil, at)))
			if !ok || again != at || lost && at != (protocol.Position{}) {
				t.Errorf("%q: %+v, %v", id, at, lost)
			}
		}
	})
}

func TestHandler_IsReadByGetAlone(t *testing.T) {
	w := httptest.NewRecorder()
	(&Handler{}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, Path, http.NoBody))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, OPTIONS" ||
		w.Header().Get("Content-Type") != "application/json" || !json.Valid(w.Body.Bytes()) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}
