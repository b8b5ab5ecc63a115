package actors

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// plain is a dialect for tests: it says an event's data as it is; a client's message is a topic to subscribe to.
type plain struct{ limits protocol.Limits }

func (*plain) Name() string              { return "plain" }
func (*plain) Paths() []string           { return []string{"/plain"} }
func (d *plain) Limits() protocol.Limits { return d.limits }
func (*plain) Open(protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	return protocol.Opened{Session: plainSession{}}, nil
}
func (*plain) Encode(to protocol.Delivery) protocol.Encoded {
	return protocol.Encoded{Data: append([]byte(string(to.View)), to.Event.Data...)}
}

type plainSession struct{}

func (plainSession) OnOpen(time.Time, uint64) []protocol.Command { return nil }
func (plainSession) Receive(_ time.Time, in protocol.ClientMessage) (int, []protocol.Command) {
	switch text := string(in.Data); text[0] {
	case '@':
		return 1, []protocol.Command{protocol.Authenticate{Credential: protocol.Credential{Token: text[1:]}}}
	case '-':
		return 1, []protocol.Command{protocol.Unsubscribe{Topic: text[1:]}}
	default:
		return 1, []protocol.Command{protocol.Subscribe{Topic: text}}
	}
}
func (plainSession) Answer(c protocol.Command, o protocol.Outcome) []protocol.Command {
	if o.Err != nil {
		return []protocol.Command{protocol.Send{Text: []byte("no: " + o.Err.Error())}}
	}
	return []protocol.Command{protocol.Send{Text: []byte("ok")}}
}
func (plainSession) OnTick(time.Time) []protocol.Command { return nil }
func (plainSession) OnReject(_ time.Time, err *protocol.Refusal, final bool) []protocol.Command {
	return protocol.End(err, []byte("bye: "+string(err.Reason)))
}

// anyone lets everybody in as the user that the token says, for everything.
type anyone struct{}

func (anyone) Authenticate(_ context.Context, _ string, c protocol.Credential) (*protocol.Identity, error) {
	if c.Token == "bad" {
		return nil, &protocol.Refusal{Reason: protocol.InvalidToken}
	}
	return &protocol.Identity{User: c.Token, Topics: []protocol.Pattern{"*"}}, nil
}

// tape is a transport that writes down what it hears; while stopped it takes nothing.
type tape struct {
	link *Conn

	mu      sync.Mutex
	stopped bool
	said    []string
	pings   int
	code    uint16
	reason  string
}

func (w *tape) Wake() { go w.take() }

func (w *tape) take() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.stopped {
		frames := w.link.Outbox().Take(nil, 64<<10)
		if len(frames) == 0 {
			return
		}
		for _, f := range frames {
			if f.Op == outbox.Ping {
				w.pings++
				continue
			}
			text := string(f.Data)
			for next := f.Next; next != nil; next = next.Next {
				text += "+" + string(next.Data)
			}
			w.said = append(w.said, text)
		}
		freed, _ := w.link.Outbox().Ack(frames, time.Now().UnixNano())
		w.link.Outbox().Backpressure().Add(-freed)
	}
}

func (w *tape) Close(code uint16, reason string) {
	go func() {
		w.take()
		w.mu.Lock()
		w.code, w.reason = code, reason
		w.mu.Unlock()
		w.link.Gone(protocol.Disconnected)
	}()
}

func (w *tape) Cut() { go w.link.Gone(protocol.Disconnected) }

func (w *tape) heard() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.said...)
}

func (w *tape) ended() (uint16, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.code, w.reason
}

// bubble runs a test with a node of tenant "acme" in fake time, and checks that everything ends.
func bubble(t *testing.T, cfg Config, test func(n *Node)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := New(cfg, anyone{}, TenantConfig{Name: "acme"})
		test(n)
		n.Close()
	})
}

var plainly = &plain{}

// dial connects as user and subscribes to topics.
func dial(t *testing.T, n *Node, d protocol.Dialect, user string, topics ...string) *tape {
	t.Helper()
	w := &tape{}
	opened, _ := d.Open(protocol.Handshake{})
	l, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: d, Session: opened.Session, Remote: "192.0.2.1"},
		func(l *Conn) outbox.Transport {
			w.link = l
			return w
		})
	if err != nil {
		t.Fatalf("Connect: %v", err)
	}
	if user != "" {
		l.Receive([]byte("@"+user), false)
	}
	for _, topic := range topics {
		l.Receive([]byte(topic), false)
	}
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, answer := range w.said {
		if answer != "ok" {
			t.Fatalf("dial %s %v: %s", user, topics, answer)
		}
	}
	w.said = nil
	return w
}

// say publishes a JSON event {"n":number} and returns the receipt.
func say(t *testing.T, n *Node, to Target, id string, number int) Receipt {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{ID: id, Kind: protocol.JSON,
		Data: fmt.Appendf(nil, `{"n":%d}`, number)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := n.Publish(context.Background(), "acme", to, ev)
	if err != nil {
		t.Fatalf("Publish: %v", err)
	}
	synctest.Wait()
	return r
}

func TestNode_AnEventReachesTopicAncestorUserAndAll(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		leaf := dial(t, n, plainly, "ann", "room/7")
		above := dial(t, n, plainly, "bob", "room")
		other := dial(t, n, plainly, "ann", "room/8")
		if r := say(t, n, Target{Topic: "room/7"}, "", 1); r.Delivered != 2 || r.Position.Offset != 1 {
			t.Errorf("topic: %+v", r)
		}
		if r := say(t, n, Target{Users: []string{"ann", "nobody", "ann"}}, "", 2); r.Delivered != 2 {
			t.Errorf("users: %+v", r)
		}
		if r := say(t, n, Target{All: true}, "", 3); r.Delivered != 3 {
			t.Errorf("all: %+v", r)
		}
		for name, got := range map[string]struct {
			w    *tape
			want string
		}{"leaf": {leaf, `[{"n":1} {"n":2} {"n":3}]`}, "above": {above, `[{"n":1} {"n":3}]`},
			"other": {other, `[{"n":2} {"n":3}]`}} {
			if heard := fmt.Sprint(got.w.heard()); heard != got.want {
				t.Errorf("%s heard %s, want %s", name, heard, got.want)
			}
		}
		if d, err := n.Probe(context.Background()); err != nil || d < 0 {
			t.Errorf("Probe: %v, %v", d, err)
		}
	})
}
