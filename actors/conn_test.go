package actors

import (
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

func TestConn_AReaderBlocksAtMaxUnreadAndIsReleasedByTheActorOrByTheEnd(t *testing.T) {
	for name, release := range map[string]func(c *client, g *gateway){
		"the actor reads": func(_ *client, g *gateway) { close(g.hold) },
		"the socket ends": func(c *client, _ *gateway) { c.link.Gone(protocol.Disconnected) },
	} {
		t.Run(name, func(t *testing.T) {
			g := &gateway{}
			g.know("a", someone("a"))
			guarded(t, Config{}, g, func(n *Node) {
				g.hold, g.inside = make(chan struct{}), make(chan struct{}, 1)
				c := enter(t, n, words, nil)
				c.send(batch{commands: []protocol.Command{login("a")}})
				<-g.inside // the actor is busy with the first message
				var sent atomic.Int64
				go func() {
					for range 3 * maxUnread {
						c.send(batch{})
						sent.Add(1)
					}
				}()
				synctest.Wait()
				if got := sent.Load() + 1; got != maxUnread {
					t.Errorf("%d messages wait, want %d", got, maxUnread)
				}
				if in := n.Stats("acme").MessagesReceived; in != maxUnread+1 { // with the one that blocks
					t.Errorf("%d messages counted", in)
				}
				release(c, g)
				synctest.Wait()
				if sent.Load() != 3*maxUnread {
					t.Errorf("the reader is stuck at message %d", sent.Load())
				}
			})
		})
	}
}

func TestConn_GoneCountsOnceAndMayComeBeforeTheActor(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := &client{&tape{}, &hand{batches: []batch{{done: make(chan []protocol.Outcome, 1)}}}}
		_, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: words, Session: c.hand, Identity: someone("a")},
			func(l *Conn) outbox.Transport {
				c.link = l
				l.Receive([]byte("early"), false)
				l.Gone(protocol.Malformed)
				l.Gone(protocol.Disconnected)
				return c.tape
			})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := n.Stats("acme"); s.ActiveConnections != 0 || s.Authenticated != 0 || s.TotalConnections != 1 {
			t.Errorf("%+v", s.Connections)
		}
		c.link.Receive([]byte("late"), false) // neither blocks nor panics
		if f := n.Metrics(); len(f.Restarts) != 0 {
			t.Errorf("failures: %v", f.Restarts)
		}
	})
}

func TestConn_AnIDIsParsedBackToItsNumber(t *testing.T) {
	for _, number := range []uint64{1, 10, 1<<64 - 1} {
		if got := info.ConnectionNumber(info.ConnectionID(number)); got != number {
			t.Errorf("%d came back as %d", number, got)
		}
	}
	for _, bad := range []string{"", "ws-", "1", "ws-x", "ws--1", "ws-18446744073709551616", "WS-1", "ws-1 "} {
		if got := info.ConnectionNumber(bad); got != 0 {
			t.Errorf("%q is %d", bad, got)
		}
	}
}
