package actors

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

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

// seedOf is the seed of a run with chance: PARLEY_SEED, else fresh.
func seedOf(t *testing.T, fresh uint64) uint64 {
	t.Helper()
	if text := os.Getenv("PARLEY_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		fresh = seed
	}
	t.Logf("PARLEY_SEED=%d", fresh)
	return fresh
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

// crashTopic has a topic's actor panic.
func crashTopic(n *Node, topic string) { n.tenant("acme").topics.SendUnbounded(topic, crash{"a test"}) }

// sink is a transport that reads at once, on the goroutine that wakes it, and costs next to nothing.
type sink struct {
	link *Conn
	got  func(*outbox.Frame)
	buf  []*outbox.Frame

	woken func() // called with each Wake; nil for nothing
}

func (s *sink) Wake() {
	if s.woken != nil {
		s.woken()
	}
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
		s.buf = frames[:0]
		freed, more := s.link.Outbox().Ack(frames, time.Now().UnixNano())
		s.link.Outbox().Backpressure().Add(-freed)
		if !more { // the next offer wakes again, on a goroutine of its own
			return
		}
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
