package dialecttest

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// script is a dialect whose session does what the test wrote down, and says what became of it.
type script struct {
	echo
	does map[string][]protocol.Command // by what the client sends
}

func (script) Paths() []string { return []string{"/script", "/cookie"} }

func (d script) Open(hello protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	if hello.Path == "/cookie" {
		credential := &protocol.Credential{Form: protocol.Cookie, Token: hello.Header("Cookie")}
		return protocol.Opened{Session: d, Credential: credential}, nil
	}
	return protocol.Opened{Session: d}, nil
}

func (d script) Receive(_ time.Time, in protocol.ClientMessage) (int, []protocol.Command) {
	return 1, d.does[string(in.Data)]
}

func (d script) Answer(_ protocol.Command, outcome protocol.Outcome) []protocol.Command {
	text := "ok"
	if outcome.Err != nil {
		text = string(outcome.Err.Reason)
	}
	return []protocol.Command{protocol.Send{Text: rawjson.AppendText(nil, text)}}
}

func tell(t testing.TB, e *Engine, text string) {
	t.Helper()
	transcript, err := Parse("x.txt", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	Play(t, transcript, e)
}

func scripted(t testing.TB, does map[string][]protocol.Command) *Engine {
	return NewEngine(t, func(Settings) (protocol.Dialect, error) { return script{does: does}, nil })
}

func TestEngine_ChecksTheCredentialOfAHandshake(t *testing.T) {
	e := scripted(t, nil)
	tell(t, e, `header Cookie ${token:alice}
path /cookie
leave
header Cookie ${token:alice form=cookie}
path /cookie
leave
header Cookie ${foreign:alice}
path /cookie
refused 403
header Cookie ${expired:alice}
path /cookie
refused 403
header Cookie ${token:alice form=ticket}
path /cookie
refused 403
header Cookie ${token:alice for=somebody}
path /cookie
refused 403
path /cookie
refused 403`)
}

func TestEngine_ChecksForm_Binding_UserAndType(t *testing.T) {
	e := scripted(t, nil)
	show := func(c protocol.Credential) protocol.Reason {
		if _, refusal := e.identify(c); refusal != nil {
			return refusal.Reason
		}
		return ""
	}
	ticket := e.Token(Token{User: "a", Form: protocol.Ticket, TTL: time.Minute})
	outpost := e.Token(Token{User: "a", Form: protocol.Outpost, For: "o1", TTL: time.Minute})
	unknown := e.Token(Token{User: "a", Unknown: true, TTL: time.Minute})
	refresh := e.Token(Token{User: "a", Type: "refresh", TTL: time.Minute})
	for i, c := range []struct {
		shown protocol.Credential
		want  protocol.Reason
	}{
		{protocol.Credential{Token: ticket}, protocol.InvalidToken},
		{protocol.Credential{Token: ticket, Form: protocol.Ticket}, ""},
		{protocol.Credential{Token: ticket, Form: protocol.Ticket}, protocol.InvalidToken}, // it was used
		{protocol.Credential{Token: outpost, Form: protocol.Outpost, For: "o2"}, protocol.InvalidToken},
		{protocol.Credential{Token: outpost, Form: protocol.Outpost, For: "o1"}, ""},
		{protocol.Credential{Token: unknown, Claims: protocol.Claims{Known: true}}, protocol.UnknownUser},
		{protocol.Credential{Token: unknown}, ""},
		{protocol.Credential{Token: refresh, Claims: protocol.Claims{Refuse: []string{"refresh"}}},
			protocol.InvalidToken},
		{protocol.Credential{}, protocol.Unauthorized},
		{protocol.Credential{Claims: protocol.Claims{Anonymous: true}}, ""},
	} {
		if got := show(c.shown); got != c.want {
			t.Errorf("%d: got %q, want %q", i, got, c.want)
		}
	}
}

func TestEngine_DoesWhatCommandsAsk(t *testing.T) {
	e := scripted(t, nil)
	alice := e.Token(Token{User: "alice", Topics: []protocol.Pattern{"a"}, TTL: 10 * time.Second})
	e.build = func(Settings) (protocol.Dialect, error) {
		return script{does: map[string][]protocol.Command{
			"early":   {protocol.Subscribe{Topic: "a"}},
			"auth":    {protocol.Authenticate{Credential: protocol.Credential{Token: alice}, IgnoreExpiry: true}},
			"verify":  {protocol.Verify{Credential: protocol.Credential{Token: "none"}}},
			"foreign": {protocol.Subscribe{Topic: "b"}},
			"as":      {protocol.Subscribe{Topic: "b", As: &protocol.Identity{Topics: []protocol.Pattern{"*"}}}},
			"attend":  {protocol.Announce{Topic: "a", Member: "m", For: time.Second}},
			"become":  {protocol.SwitchDialect{Dialect: echo{}, Session: echo{}}},
		}}, nil
	}
	tell(t, e, `path /script
C early
S "unauthorized"
C verify
S "invalid_token"
C auth
S "ok"
C foreign
S "forbidden"
C as
S "ok"
publish {"topic":"b/1","event":{"kind":"json","data":{"n":1}}}
S {"n":1}
C attend
silence 60s
C become
silence
C {"said":"back"}
S {"said":"back"}`)
	if len(e.Announced) != 1 || e.Announced[0].Member != "m" {
		t.Errorf("got %+v", e.Announced)
	}
}

// noted is a test that notes its errors.
type noted struct {
	testing.TB
	errors []string
}

func (n *noted) Helper()                           {}
func (n *noted) Errorf(format string, args ...any) { n.errors = append(n.errors, format) }

func TestEngine_NotesWhatADialectMayNotAsk(t *testing.T) {
	for name, command := range map[string]protocol.Command{
		"no valid JSON":        protocol.Send{Text: []byte(`{"a":`)},
		"valid JSON":           protocol.Send{Text: []byte("\"\xff\"")},
		"may not be sent":      protocol.Close{Code: 1006},
		"close":                protocol.Close{Code: 1000, Reason: strings.Repeat("x", 124)},
		"topic that cannot be": protocol.Subscribe{Topic: "a/../b"},
		"nothing can meet": protocol.Subscribe{Topic: "a",
			Filter: protocol.Filter{Where: []protocol.Condition{{Attribute: "x"}}}},
		"a frequency of":         protocol.Subscribe{Topic: "a", Filter: protocol.Filter{Every: -1}},
		"unknown command":        nil,
		"a close that may not b": protocol.Close{Code: 5000},
	} {
		n := &noted{TB: t}
		c, err := scripted(n, map[string][]protocol.Command{"x": {command}}).Connect("/script", nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Send([]byte("x"), false)
		if len(n.errors) == 0 || !strings.Contains(n.errors[0], name) {
			t.Errorf("%s: got %q", name, n.errors)
		}
	}
}
