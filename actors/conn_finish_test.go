package actors

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/parley-realtime/parley/protocol"
)

// hangingLogin runs a test with a client that has sent two messages; the engine handles the first until release.
func hangingLogin(t *testing.T, test func(n *Node, c *client, release func())) {
	t.Helper()
	g := &gateway{}
	g.know("a", someone("a"))
	guarded(t, Config{}, g, func(n *Node) {
		g.hold, g.inside = make(chan struct{}), make(chan struct{}, 1)
		c := enter(t, n, words, nil)
		ask := func(command protocol.Command, answer string) {
			c.send(batch{messages: 1, commands: []protocol.Command{command, protocol.Send{Text: []byte(answer)}}})
		}
		ask(login("a"), "welcome")
		ask(protocol.Subscribe{Topic: "room"}, "subscribed")
		<-g.inside
		test(n, c, func() { close(g.hold) })
	})
}

// F44: the end of a client's messages is reported after they were handled, however long that takes, and before the end
// of its socket.
func TestConn_FinishIsReportedAfterTheAnswers(t *testing.T) {
	hangingLogin(t, func(n *Node, c *client, release func()) {
		var heard []string
		c.link.Finish(protocol.Disconnected, func() {
			c.take()
			heard = c.heard()
		})
		synctest.Wait()
		if heard != nil {
			t.Errorf("reported while a message was being handled; heard %q until then", heard)
		}
		release()
		synctest.Wait()
		if len(heard) != 2 || heard[0] != "welcome" || heard[1] != "subscribed" {
			t.Errorf("heard %q before the end of its messages", heard)
		}
		if s := n.Stats("acme"); s.Authenticated != 0 || s.ActiveConnections != 1 {
			t.Errorf("%+v", s.Connections)
		}
		mustPublish(t, n, "room", jsonEvent(t, "", 1)) // or a busy topic would keep the transport writing
		c.link.Gone(protocol.Disconnected)
		synctest.Wait()
		c.wantHeard(t, "welcome", "subscribed")
		if openLinks(n) != 0 {
			t.Errorf("%d connections are open", openLinks(n))
		}
	})
}

// F44: messages that came before the engine ends a connection are answered first. (That the close frame does not
// overtake the answers is the transport's: TestClosing_LastWordsOfTheEngineComeBeforeItsCloseFrame.)
func TestConn_MessagesBeforeAKickOrADrainAreAnsweredFirst(t *testing.T) {
	for reason, end := range map[protocol.Reason]func(n *Node, c *client){
		protocol.Disconnected: func(n *Node, c *client) { n.Disconnect("acme", c.link.ID(), 0, "") },
		protocol.Draining:     func(n *Node, _ *client) { n.Drain(context.Background()) },
	} {
		t.Run(string(reason), func(t *testing.T) {
			hangingLogin(t, func(n *Node, c *client, release func()) {
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					end(n, c)
				}()
				synctest.Wait()
				release()
				<-ended
				synctest.Wait()
				c.wantHeard(t, "welcome", "subscribed", "bye: "+string(reason))
			})
		})
	}
}

// F44: the transport gets its report even if the connection fails, was closed by the engine, or is over.
func TestConn_FinishIsAlwaysReported(t *testing.T) {
	for name, before := range map[string]func(n *Node, c *client){
		"idle":   func(*Node, *client) {},
		"failed": func(_ *Node, c *client) { c.send(batch{panics: true}) },
		"kicked": func(n *Node, c *client) { n.Disconnect("acme", c.link.ID(), 4001, "go") },
		"over":   func(_ *Node, c *client) { c.link.Gone(protocol.Lost); synctest.Wait() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(n *Node) {
				c := enter(t, n, words, someone("a"))
				synctest.Wait()
				before(n, c)
				var reported atomic.Bool
				c.link.Finish(protocol.Malformed, func() { reported.Store(true) })
				synctest.Wait()
				if !reported.Load() {
					t.Error("not reported")
				}
			})
		})
	}
}

// F44: the end of a client that closes is emitted once, with its reason, and its user is offline after that.
func TestLifecycle_AClientThatSaysNoMoreHasLeft(t *testing.T) {
	heralded(t, Config{}, func(t *testing.T, n *Node, c *crier) {
		ann := enter(t, n, words, someone("ann"))
		ann.link.Finish(protocol.Malformed, func() {})
		want := []string{"user_online ann", "connected ws-1 ann", "disconnected ws-1 ann malformed", "user_offline ann"}
		c.wantTold(want...)
		ann.link.Gone(protocol.Malformed)
		c.wantTold(want...)
		if left := c.told()[2]; left.By != "client" || left.Lingers {
			t.Errorf("%+v", left)
		}
	})
}

// F44: a connection is resumable if it would leave a session: its events must not be written to nobody.
func TestConn_OnlyAConnectionThatLeavesASessionIsResumable(t *testing.T) {
	unverified := someone("b")
	unverified.Unverified = true
	for _, c := range []struct {
		name string
		cfg  Config
		id   *protocol.Identity
		want bool
	}{
		{"a user", Config{Linger: 1}, someone("a"), true},
		{"nobody may", Config{}, someone("a"), false},
		{"unverified", Config{Linger: 1}, unverified, false},
		{"not logged in", Config{Linger: 1}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, c.cfg, func(n *Node) {
				in := enter(t, n, words, c.id)
				synctest.Wait()
				if got := in.link.Resumable(); got != c.want {
					t.Errorf("resumable: %v", got)
				}
			})
		})
	}
}
