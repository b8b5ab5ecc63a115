package actors

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// besides runs a test with a second tenant that must not notice.
func besides(t *testing.T, cfg Config, test func(n *Node)) {
	bubble(t, cfg, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "other"})
		w := &client{&tape{}, &hand{}}
		_, err := n.Connect(ConnectOptions{Tenant: "other", Dialect: words, Session: w.hand, Identity: someone("x")},
			func(l *Conn) outbox.Transport {
				w.link = l
				return w.tape
			})
		if err != nil {
			t.Fatal(err)
		}
		w.subscribe(t, "room")
		test(n)
		r, failure := n.Publish(context.Background(), "other", Target{Topic: "room"}, jsonEvent(t, "", 1))
		if failure != nil || r.Delivered != 1 || r.Position.Offset != 1 {
			t.Errorf("another tenant noticed: %+v, %v", r, failure)
		}
	})
}

func TestAdmin_DrainsOneTenantWhichGoesOn(t *testing.T) {
	besides(t, Config{}, func(n *Node) {
		a, b := enter(t, n, words, someone("a")), enter(t, n, words, someone("b"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		start := time.Now()
		if closed, err := n.DrainTenant(ctx, "acme"); closed != 2 || err != nil || time.Since(start) < time.Second {
			t.Errorf("closed %d after %s, %v", closed, time.Since(start), err)
		}
		a.wantEnd(t, protocol.Draining)
		b.wantEnd(t, protocol.Draining)
		enter(t, n, words, someone("a")).subscribe(t, "room")
		if _, err := n.DrainTenant(ctx, "none"); reasonOf(err) != protocol.NotFound {
			t.Errorf("an unknown tenant: %v", err)
		}
	})
}

func TestAdmin_ASuspendedTenantHasNoConnectionsAndTakesNothingUntilItIsSwitchedOn(t *testing.T) {
	besides(t, Config{}, func(n *Node) {
		a := enter(t, n, words, someone("a")).subscribe(t, "room")
		before := mustPublish(t, n, "room", jsonEvent(t, "", 1))
		if err := n.SuspendTenant("acme", true); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		a.wantEnd(t, protocol.Suspended)
		if _, err := publishTo(n, "room", jsonEvent(t, "", 2)); reasonOf(err) != protocol.Suspended {
			t.Errorf("a publish: %v", err)
		}
		if err := n.Admit("acme", words, "", nil); reasonOf(err) != protocol.Suspended {
			t.Errorf("Admit: %v", err)
		}
		if _, err := tryEnter(n, words, someone("a"), ""); reasonOf(err) != protocol.Suspended {
			t.Errorf("Connect: %v", err)
		}
		if err := n.SuspendTenant("acme", false); err != nil {
			t.Fatal(err)
		}
		enter(t, n, words, someone("a")).subscribe(t, "room")
		if r := mustPublish(t, n, "room", jsonEvent(t, "", 3)); r.Position.Epoch != before.Position.Epoch ||
			r.Position.Offset != 2 || r.Delivered != 1 {
			t.Errorf("%+v, before %+v", r, before)
		}
		if err := n.SuspendTenant("none", true); reasonOf(err) != protocol.NotFound {
			t.Errorf("an unknown tenant: %v", err)
		}
	})
}

func TestAdmin_ARestartedTenantBeginsAnew(t *testing.T) {
	besides(t, Config{InboxCount: 5}, func(n *Node) {
		a := enter(t, n, words, someone("a")).subscribe(t, "room")
		before := mustPublish(t, n, "room", jsonEvent(t, "", 1))
		note(t, n, "b", "waits")
		if err := n.RestartTenant(context.Background(), "acme"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		a.wantEnd(t, protocol.Draining)
		tenant := n.tenant("acme")
		topics := tenant.topics.Len()
		users := tenant.users.Len()
		made := tenant.topicsMade.Load()
		inboxes, _ := tenant.inboxes.Stats()
		if topics+users != 0 || made != 0 || inboxes != 0 {
			t.Errorf("%d topics, %d users, %d counted, %d inboxes", topics, users, made, inboxes)
		}
		_, err := n.History(context.Background(), "acme", "room", before.Position, 0)
		if reasonOf(err) != protocol.PositionLost {
			t.Errorf("history: %v", err)
		}
		enter(t, n, words, someone("a")).subscribe(t, "room")
		if r := mustPublish(t, n, "room", jsonEvent(t, "", 2)); r.Position.Epoch == before.Position.Epoch ||
			r.Position.Offset != 1 || r.Delivered != 1 {
			t.Errorf("%+v, before %+v", r, before)
		}
		if s := n.Stats("acme"); s.TotalConnections != 2 || s.ActiveConnections != 1 {
			t.Errorf("%+v", s.Connections)
		}
	})
}

func TestDisconnect_ClosesInTheDialectsWordsOrWithACode(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		spoken := enter(t, n, words, someone("a"))
		coded := enter(t, n, words, someone("a"))
		named := enter(t, n, words, someone("a"))
		other := enter(t, n, words, someone("b"))
		for _, err := range []error{
			n.Disconnect("acme", spoken.link.ID(), 0, ""), n.Disconnect("acme", coded.link.ID(), 4001, ""),
			n.Disconnect("acme", named.link.ID(), 4002, "go"),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		spoken.wantHeard(t, "bye: disconnected")
		spoken.wantEnd(t, protocol.Disconnected)
		for c, want := range map[*client]string{coded: "4001 disconnected", named: "4002 go"} {
			code, reason := c.ended()
			if got := fmt.Sprint(code, " ", reason); got != want {
				t.Errorf("ended with %s, want %s", got, want)
			}
			c.wantHeard(t, "bye: disconnected") // the session has the last word, and the caller the code
		}
		if err := n.Disconnect("acme", spoken.link.ID(), 0, ""); reasonOf(err) != protocol.NotFound {
			t.Errorf("again: %v", err)
		}
		if other.link.flags.has(isGone) {
			t.Error("another was closed")
		}
	})
}
