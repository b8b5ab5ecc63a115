package dialecttest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Engine is a Stage for one dialect: sessions, a table of tokens, topics, a clock that only transcripts move. It is
// what the real engine must be to a dialect, in the plainest form, and it fails the test when a dialect asks for what
// protocol forbids. Everything about it belongs to the goroutine of the test.
type Engine struct {
	t        testing.TB
	build    func(Settings) (protocol.Dialect, error)
	settings Settings
	dialect  protocol.Dialect
	now      time.Time
	tokens   map[string]issued
	issued   int // tokens so far
	numbers  uint64
	open     []*Connection
	connects []time.Time                // of the last minute
	past     map[string][]protocol.Past // of each topic, with that of the topics below

	// Reports are what clients reported of themselves, Announced who announced themselves.
	Reports   []protocol.Report
	Announced []protocol.Announce
}

// issued is a token that was made.
type issued struct {
	token    Token
	identity *protocol.Identity
}

// remote is the address that all clients come from.
const remote = "192.0.2.1"

// NewEngine returns an engine for the dialect that build makes of a transcript's settings.
func NewEngine(t testing.TB, build func(Settings) (protocol.Dialect, error)) *Engine {
	return &Engine{
		t: t, build: build, settings: Settings{}, tokens: map[string]issued{}, past: map[string][]protocol.Past{},
		now: time.Date(2024, 1, 1, 12, 0, 0, 123e6, time.UTC),
	}
}

var _ Stage = (*Engine)(nil)

// Set implements Stage.
func (e *Engine) Set(key, value string) error {
	if e.dialect != nil {
		return errors.New("a setting comes before the first path")
	}
	e.settings[key] = value
	return nil
}

// Token implements Stage.
func (e *Engine) Token(token Token) string {
	expires := e.now.Add(token.TTL)
	if token.Expired {
		expires = e.now.Add(-time.Minute)
	}
	e.issued++
	text := fmt.Sprintf("token.%d.of-%s", e.issued, token.User)
	if token.Claims != nil {
		text = fmt.Sprintf("token.%s.%d-of-%s", token.payload(), e.issued, token.User)
	}
	e.tokens[text] = issued{token, &protocol.Identity{
		User: token.User, TokenID: token.ID, Issued: e.now, Expires: expires, Topics: token.grants(),
	}}
	return text
}

// Dialect is the dialect as the transcript has set it.
func (e *Engine) Dialect() (protocol.Dialect, error) {
	if e.dialect == nil {
		dialect, err := e.build(e.settings)
		if err != nil {
			return nil, err
		}
		e.dialect = dialect
	}
	return e.dialect, nil
}

// Open implements Stage.
func (e *Engine) Open(path string, header http.Header) (Client, error) {
	client, err := e.Connect(path, header)
	if err != nil {
		return nil, err
	}
	return client, nil
}

// Connect is Open for tests that look inside.
func (e *Engine) Connect(path string, header http.Header) (*Connection, error) {
	dialect, err := e.Dialect()
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(path)
	if err != nil {
		return nil, err
	}
	pattern := patternOf(dialect.Paths(), target.Path)
	if pattern == "" {
		return nil, Status(404)
	}
	if refusal := e.admit(dialect.Limits()); refusal != nil {
		return nil, Status(refusal.Reason.Status())
	}
	hello := protocol.Handshake{
		Path: target.Path, Pattern: pattern, Query: target.Query(), Host: "parley.test", Remote: remote,
		Header: header.Get, Values: header.Values,
	}
	opened, refusal := dialect.Open(hello)
	if refusal != nil {
		return nil, Status(refusal.Reason.Status())
	}
	if opened.Subprotocol != "" && !slices.Contains(hello.Subprotocols(), opened.Subprotocol) {
		e.t.Errorf("the subprotocol %q was not offered", opened.Subprotocol)
	}
	c := &Connection{engine: e, dialect: dialect, session: opened.Session, opened: e.now, number: e.numbers + 1}
	if opened.Credential != nil {
		if c.identity, refusal = e.identify(*opened.Credential); refusal != nil {
			return nil, Status(403)
		}
	}
	e.numbers++
	e.open = append(e.open, c)
	c.do(opened.Session.OnOpen(e.now, c.number))
	return c, nil
}

// patternOf is the one of a dialect's paths that a path matches, "" if none does.
func patternOf(paths []string, path string) string {
	for _, p := range paths {
		want, got := strings.Split(p, "/"), strings.Split(path, "/")
		same := len(want) == len(got)
		for i := 0; same && i < len(want); i++ {
			same = want[i] == got[i] || strings.HasPrefix(want[i], "{") && got[i] != ""
		}
		if same {
			return p
		}
	}
	return ""
}

// admit holds a new connection against the limits that are known before the upgrade.
func (e *Engine) admit(limits protocol.Limits) *protocol.Refusal {
	for len(e.connects) > 0 && e.now.Sub(e.connects[0]) >= time.Minute {
		e.connects = e.connects[1:]
	}
	if limits.Connections > 0 && len(e.alive()) >= limits.Connections {
		return protocol.Refuse(protocol.Busy, "there are %d connections, which is the limit", limits.Connections)
	}
	if limits.Connects > 0 && len(e.connects) >= limits.Connects {
		return protocol.Refuse(protocol.RateLimited, "more than %d connects in a minute", limits.Connects)
	}
	e.connects = append(e.connects, e.now)
	return nil
}

// identify says who shows a credential.
func (e *Engine) identify(credential protocol.Credential) (*protocol.Identity, *protocol.Refusal) {
	claims := credential.Claims
	if credential.Form == protocol.AppKey || credential.Form == protocol.Signed {
		return identifyApp(credential, e.now)
	}
	if credential.Token == "" {
		if !claims.Anonymous {
			return nil, protocol.Refuse(protocol.Unauthorized, "")
		}
		return &protocol.Identity{Topics: []protocol.Pattern{"*"}}, nil
	}
	known, ok := e.tokens[credential.Token]
	form := known.token.Form == credential.Form || known.token.Form == protocol.Token &&
		credential.Form == protocol.Cookie
	switch {
	case !ok || known.token.Foreign || !form || known.token.For != credential.For:
		return nil, protocol.Refuse(protocol.InvalidToken, "")
	case !known.identity.Expires.After(e.now):
		return nil, protocol.Refuse(protocol.TokenExpired, "")
	case claims.Known && known.token.Unknown:
		return nil, protocol.Refuse(protocol.UnknownUser, "")
	case credential.Form == protocol.Ticket:
		delete(e.tokens, credential.Token) // it is good for one use
	}
	for _, refused := range claims.Refuse {
		if known.token.Type == refused {
			return nil, protocol.Refuse(protocol.InvalidToken, "a %s token opens no socket", refused)
		}
	}
	return known.identity, nil
}

// count counts the authenticated connections of a dialect that are wanted.
func (e *Engine) count(dialect string, wanted func(*protocol.Identity) bool) (n int) {
	for _, c := range e.alive() {
		if c.identity != nil && c.dialect.Name() == dialect && wanted(c.identity) {
			n++
		}
	}
	return n
}

// alive are the connections that have not ended.
func (e *Engine) alive() []*Connection {
	kept := e.open[:0]
	for _, c := range e.open {
		if !c.over {
			kept = append(kept, c)
		}
	}
	e.open = kept
	return kept
}

// Advance implements Stage.
func (e *Engine) Advance(d time.Duration) {
	for end := e.now.Add(d); ; {
		if !e.step(end) {
			e.now = end
			return
		}
	}
}

// step goes to the next moment at which something is due, and does it. It reports false if there is none until end.
func (e *Engine) step(end time.Time) bool {
	var next time.Time
	for _, c := range e.alive() {
		if due := c.due(); !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	if next.IsZero() || next.After(end) {
		return false
	}
	if next.After(e.now) {
		e.now = next
	}
	for _, c := range append([]*Connection(nil), e.alive()...) {
		if due := c.due(); !due.IsZero() && !due.After(e.now) {
			c.tick()
		}
	}
	return true
}

// Drain refuses all connections finally, as a server does that goes away.
func (e *Engine) Drain() {
	for _, c := range append([]*Connection(nil), e.alive()...) {
		c.reject(protocol.Refuse(protocol.Draining, ""), true)
	}
}
