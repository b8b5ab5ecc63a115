package actors

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// The tests of this file are the failure promises of doc.go for connections and dialects, each with its name.

func TestFailure_AConnectionThatPanicsClosesWith1011AndNobodyElseNotices(t *testing.T) {
	for name, fail := range map[string]func(c *client){
		"engine":          func(c *client) { c.link.box.SendUnbounded(crash{"a test"}) },
		"Session.Receive": func(c *client) { c.send(batch{panics: true}) },
		"unknown command": func(c *client) {
			c.send(batch{commands: []protocol.Command{struct{ protocol.Command }{}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(n *Node) {
				bad := enter(t, n, words, someone("bad"))
				good := enter(t, n, words, someone("good"))
				same := enter(t, n, words, someone("bad"))
				for _, c := range []*client{bad, good, same} {
					c.subscribe(t, "room")
				}
				fail(bad)
				synctest.Wait()
				bad.wantEnd(t, protocol.Internal)
				r := mustPublish(t, n, "room", jsonEvent(t, "", 1))
				synctest.Wait()
				if r.Delivered != 2 {
					t.Errorf("delivered to %d, want 2", r.Delivered)
				}
				good.wantHeard(t, `{"n":1}`)
				same.wantHeard(t, `{"n":1}`)
				if got := n.Metrics().Restarts["connection"]; got != 1 {
					t.Errorf("%d failures counted", got)
				}
				if s := n.Stats("acme"); s.ActiveConnections != 2 || s.Authenticated != 2 || s.TotalConnections != 3 {
					t.Errorf("stats after the failure: %+v", s.Connections)
				}
				u, err := n.User(context.Background(), "acme", "bad")
				if err != nil || len(u.Connections) != 1 {
					t.Errorf("the user's other connection: %+v, %v", u, err)
				}
			})
		})
	}
}

func TestFailure_AConnectionThatPanicsWhileItOpensIsClosed(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := &client{&tape{}, &hand{opened: []protocol.Command{nil}}}
		_, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: words, Session: c.hand, Identity: someone("a")},
			func(l *Conn) outbox.Transport {
				c.link = l
				return c.tape
			})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		c.wantEnd(t, protocol.Internal)
		if int64(len(n.allConns())) != 0 {
			t.Error("it is still counted as open")
		}
	})
}

func TestFailure_AReaderThatWaitsIsReleasedWhenItsConnectionPanics(t *testing.T) {
	g := &gateway{}
	g.know("a", someone("a"))
	guarded(t, Config{}, g, func(n *Node) {
		g.hold, g.inside = make(chan struct{}), make(chan struct{}, 1)
		c := enter(t, n, words, nil)
		c.send(batch{commands: []protocol.Command{login("a")}})
		<-g.inside // the actor waits for the answer
		c.link.box.SendUnbounded(crash{"a test"})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 3 * maxUnread {
				c.send(batch{})
			}
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("the reader was not held back")
		default:
		}
		close(g.hold)
		<-done
	})
}

func TestFailure_ADialectThatPanicsInEncodeHarmsOnlyItself(t *testing.T) {
	bad := &speech{name: "bad", encode: func(*protocol.Event, protocol.Projection) []byte { panic("no words") }}
	bubble(t, Config{}, func(n *Node) {
		victim := enter(t, n, bad, someone("v")).subscribe(t, "room", "room/7")
		var others []*client
		for _, topic := range []string{"room", "room/7"} {
			others = append(others, enter(t, n, words, someone("o")).subscribe(t, topic))
		}
		for i := range 5 {
			r := mustPublish(t, n, "room/7", jsonEvent(t, fmt.Sprint(i), i))
			if r.Delivered != 2 || r.Position.Offset != uint64(i+1) {
				t.Errorf("%+v", r)
			}
		}
		r, err := n.Publish(context.Background(), "acme", Target{Users: []string{"v", "o"}}, jsonEvent(t, "", 9))
		if err != nil || r.Delivered != 2 {
			t.Errorf("to users: %+v, %v", r, err)
		}
		synctest.Wait()
		for _, c := range others {
			if heard := strings.Join(c.heard(), ""); heard != `{"n":0}{"n":1}{"n":2}{"n":3}{"n":4}{"n":9}` {
				t.Errorf("an other heard %s", heard)
			}
		}
		victim.wantHeard(t)
		f := n.Metrics()
		if f.Drops[protocol.Internal] == 0 || len(f.Restarts) != 0 {
			t.Errorf("drops %v, restarts %v", f.Drops, f.Restarts)
		}
	})
}
