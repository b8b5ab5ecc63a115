package actors

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// sized is the size of a check: the one that reliability.md names with PARLEY_CHECKS=full, else one that fits into each
// run.
func sized(small, large int) int {
	if os.Getenv("PARLEY_CHECKS") == "full" {
		return large
	}
	return small
}

// speech is a dialect for tests, with limits and words of the test's choice.
type speech struct {
	name   string
	limits protocol.Limits
	encode func(*protocol.Event, protocol.Projection) []byte // nil is inWords
}

func (d *speech) Name() string            { return d.name }
func (d *speech) Paths() []string         { return nil }
func (d *speech) Limits() protocol.Limits { return d.limits }
func (d *speech) Open(protocol.Handshake) (protocol.Session, *protocol.Credential, *protocol.Refusal) {
	return &hand{}, nil, nil
}
func (d *speech) Encode(ev *protocol.Event, v protocol.Projection) []byte {
	if d.encode != nil {
		return d.encode(ev, v)
	}
	return inWords(ev, v)
}

// inWords says an event as "topic part=value ..." if it has parts, else as its data.
func inWords(ev *protocol.Event, v protocol.Projection) []byte {
	if ev.Parts() == nil {
		return ev.Data
	}
	words := []byte(ev.Topic)
	for _, p := range ev.Parts() {
		if v.Includes(p.Name) {
			words = fmt.Appendf(words, " %s=%s", p.Name, p.Value)
		}
	}
	return words
}

// hand is a session that does what a test wants and writes down its callbacks.
type hand struct {
	mu      sync.Mutex
	batches []batch
	current *batch
	beats   []time.Time
	refused []protocol.Reason
	opened  []protocol.Command
	mild    bool // a refusal that is not final does not end it
}

// batch is one frame from the client: it counts as so many messages, panics if it is to, or else does its commands.
type batch struct {
	messages int
	panics   bool
	commands []protocol.Command
	outcomes []protocol.Outcome
	done     chan []protocol.Outcome // capacity 1
}

// endOfBatch is the tag of the command behind a batch.
type endOfBatch struct{}

func (h *hand) OnOpen(time.Time, uint64) []protocol.Command { return h.opened }

func (h *hand) Receive(time.Time, protocol.ClientMessage) (int, []protocol.Command) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.batches[0]
	h.batches = h.batches[1:]
	h.current = &b
	if b.panics {
		panic("a session that fails")
	}
	return b.messages, append(append([]protocol.Command(nil), b.commands...), protocol.Unsubscribe{Tag: endOfBatch{}})
}

func (h *hand) Answer(c protocol.Command, o protocol.Outcome) []protocol.Command {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.current == nil {
		return nil // it was a command of OnOpen
	}
	if u, ok := c.(protocol.Unsubscribe); ok && u.Tag == (endOfBatch{}) {
		h.current.done <- h.current.outcomes
		return nil
	}
	h.current.outcomes = append(h.current.outcomes, o)
	return nil
}

func (h *hand) OnTick(now time.Time) []protocol.Command {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.beats = append(h.beats, now)
	return []protocol.Command{protocol.Send{Text: []byte("beat")}}
}

func (h *hand) OnReject(_ time.Time, err *protocol.Refusal, final bool) []protocol.Command {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused = append(h.refused, err.Reason)
	if h.mild && !final {
		return nil
	}
	return protocol.End(err, []byte("bye: "+string(err.Reason)))
}

func (h *hand) refusals() []protocol.Reason {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]protocol.Reason(nil), h.refused...)
}

// client is a connection in a test's hands.
type client struct {
	*tape
	*hand
}

// enter connects with a dialect and, if id is not nil, an identity that was checked before.
func enter(t testing.TB, n *Node, d protocol.Dialect, id *protocol.Identity) *client {
	t.Helper()
	c, err := tryEnter(n, d, id, "192.0.2.1")
	if err != nil {
		t.Fatalf("Connect: %v", err)
	}
	return c
}

func tryEnter(n *Node, d protocol.Dialect, id *protocol.Identity, remote string) (*client, *protocol.Refusal) {
	c := &client{&tape{}, &hand{}}
	_, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: d, Session: c.hand, Identity: id, Remote: remote},
		func(l *Conn) outbox.Transport { c.link = l; return c.tape })
	return c, err
}

// send hands a frame to the connection and does not wait for it.
func (c *client) send(b batch) chan []protocol.Outcome {
	b.done = make(chan []protocol.Outcome, 1)
	c.hand.mu.Lock()
	c.hand.batches = append(c.hand.batches, b)
	c.hand.mu.Unlock()
	c.link.Receive([]byte("!"), false)
	return b.done
}

// do has the connection do commands and returns their outcomes. If there are none, since the connection has ended, it
// panics after a while: a bubble's time goes on for ever.
func (c *client) do(commands ...protocol.Command) []protocol.Outcome {
	late := time.NewTimer(time.Hour)
	defer late.Stop()
	select {
	case outcomes := <-c.send(batch{messages: 1, commands: commands}):
		return outcomes
	case <-late.C:
		panic(fmt.Sprintf("no outcome of %T in an hour; what the connection heard: %q", commands[0], c.heard()))
	}
}

// subscribe subscribes to topics; a refusal fails the test.
func (c *client) subscribe(t testing.TB, topics ...string) *client {
	t.Helper()
	for _, topic := range topics {
		c.want(t, topic, protocol.Filter{})
	}
	return c
}

// want subscribes to a topic with a filter; a refusal fails the test.
func (c *client) want(t testing.TB, topic string, f protocol.Filter) {
	t.Helper()
	if out := c.do(protocol.Subscribe{Topic: topic, Filter: f}); len(out) != 1 || out[0].Err != nil {
		t.Fatalf("subscribe %s: %+v", topic, out)
	}
}

// forget drops what was heard so far.
func (c *client) forget() {
	c.tape.mu.Lock()
	c.said = nil
	c.tape.mu.Unlock()
}

// stop makes the reader stop or go on reading.
func (c *client) stop(stopped bool) {
	c.tape.mu.Lock()
	c.stopped = stopped
	c.tape.mu.Unlock()
	if !stopped {
		c.Wake()
	}
}

func (c *client) wantHeard(t testing.TB, want ...string) {
	t.Helper()
	if got := c.heard(); fmt.Sprint(got) != fmt.Sprint(want) || len(got) != len(want) {
		t.Errorf("%s heard %q, want %q", c.link.ID(), got, want)
	}
}

// wantEnd checks how the connection was closed.
func (c *client) wantEnd(t testing.TB, err protocol.Reason) {
	t.Helper()
	if code, reason := c.ended(); code != err.CloseCode() || reason != string(err) {
		t.Errorf("%s ended with %d %q, want %d %q", c.link.ID(), code, reason, err.CloseCode(), err)
	}
}

// someone is an identity that may hear everything.
func someone(user string) *protocol.Identity {
	return &protocol.Identity{User: user, Topics: []protocol.Pattern{"*"}}
}

// words is a dialect without limits.
var words = &speech{name: "words"}

// gateway is an Authenticator that knows its identities by token, and can be told to wait.
type gateway struct {
	mu       sync.Mutex
	known    map[string]*protocol.Identity
	hold     chan struct{} // if not nil, Authenticate waits for it
	revoked  []grant.Revocation
	notKept  error         // what Revoke says
	inside   chan struct{} // if not nil, gets a value when an Authenticate begins to wait
	rejected int
}

func (g *gateway) Authenticate(ctx context.Context, _ string, c protocol.Credential) (*protocol.Identity, error) {
	g.mu.Lock()
	id, hold := g.known[c.Token], g.hold
	for _, r := range g.revoked {
		if id != nil && r.Covers(id) {
			id = nil
		}
	}
	if id == nil {
		g.rejected++
	}
	g.mu.Unlock()
	if hold != nil {
		if g.inside != nil {
			g.inside <- struct{}{}
		}
		select {
		case <-hold:
		case <-ctx.Done():
		}
	}
	if id == nil {
		return nil, &protocol.Refusal{Reason: protocol.InvalidToken}
	}
	return id, nil
}

// Revoke implements revoker.
func (g *gateway) Revoke(_ string, r grant.Revocation) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.revoked = append(g.revoked, r)
	return g.notKept
}

// Unrevoke implements revoker.
func (g *gateway) Unrevoke(_ string, r grant.Revocation) (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := len(g.revoked)
	g.revoked = slices.DeleteFunc(g.revoked, func(known grant.Revocation) bool {
		return known.User == r.User && known.TokenID == r.TokenID
	})
	return len(g.revoked) < before, nil
}

func (g *gateway) know(token string, id *protocol.Identity) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known == nil {
		g.known = map[string]*protocol.Identity{}
	}
	g.known[token] = id
}

func login(token string) protocol.Authenticate {
	return protocol.Authenticate{Credential: protocol.Credential{Token: token}}
}

// guarded runs a test in a bubble with a node that authenticates by g.
func guarded(t *testing.T, cfg Config, g *gateway, test func(n *Node)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := New(cfg, g, TenantConfig{Name: "acme"})
		defer n.Close()
		test(n)
	})
}

// jsonEvent makes an event {"n":number}.
func jsonEvent(t testing.TB, id string, number int) *protocol.Event {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{ID: id, Kind: protocol.JSON,
		Data: fmt.Appendf(nil, `{"n":%d}`, number)})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// metrics makes a telemetry event of a device; parts are like `"temp":1`.
func metrics(t testing.TB, device, parts string) *protocol.Event {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Telemetry,
		Data: fmt.Appendf(nil, `{"device_id":%q,"telemetry":{%s}}`, device, parts)})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// publishTo publishes to a topic of tenant acme and returns the answer.
func publishTo(n *Node, topic string, ev *protocol.Event) (Receipt, error) {
	return n.Publish(context.Background(), "acme", Target{Topic: topic}, ev)
}

// mustPublish fails the test if the publish is refused.
func mustPublish(t testing.TB, n *Node, topic string, ev *protocol.Event) Receipt {
	t.Helper()
	r, err := publishTo(n, topic, ev)
	if err != nil {
		t.Fatalf("publish to %s: %v", topic, err)
	}
	return r
}

// reasonOf is the reason of a refusal, "" for none.
func reasonOf(err error) protocol.Reason {
	if refusal, ok := err.(*protocol.Refusal); err == nil || ok && refusal == nil {
		return ""
	}
	return protocol.AsRefusal(err).Reason
}

// crashTopic has a topic's actor panic.
func crashTopic(n *Node, topic string) { n.tenant("acme").topics.SendUnbounded(topic, crash{"a test"}) }

// sink is a transport that reads at once, on the goroutine that wakes it, and costs next to nothing.
type sink struct {
	link *Conn
	got  func(*outbox.Frame)
	buf  []*outbox.Frame
}

func (s *sink) Wake() {
	for {
		frames := s.link.Outbox().Take(s.buf[:0], 64<<10)
		if len(frames) == 0 {
			return
		}
		if s.got != nil {
			for _, f := range frames {
				s.got(f)
			}
		}
		freed, _ := s.link.Outbox().Ack(frames, time.Now().UnixNano())
		s.link.Outbox().Backpressure().Add(-freed)
		s.buf = frames[:0]
	}
}

func (s *sink) Close(uint16, string) { go s.link.Gone(protocol.Disconnected) }
func (s *sink) Cut()                 { go s.link.Gone(protocol.Disconnected) }

// drink connects a sink and subscribes it; it returns when that is done.
func drink(t testing.TB, n *Node, d protocol.Dialect, id *protocol.Identity, got func(*outbox.Frame),
	topics ...string) *Conn {
	t.Helper()
	h := &hand{}
	s := &sink{got: got}
	l, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: d, Session: h, Identity: id},
		func(l *Conn) outbox.Transport {
			s.link = l
			return s
		})
	if err != nil {
		t.Fatal(err)
	}
	c := &client{&tape{link: l}, h}
	c.subscribe(t, topics...)
	return l
}

// openLinks is how many connections are open.
func openLinks(n *Node) int { return len(n.allConns()) }
