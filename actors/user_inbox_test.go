package actors

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/inbox"
	"github.com/parley-realtime/parley/protocol"
)

func note(t *testing.T, n *Node, user, text string) Receipt {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Message, ID: text[:min(len(text), 100)],
		Data: fmt.Appendf(nil, `{"level":"info","message":%q}`, text)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := n.Publish(context.Background(), "acme", Target{Users: []string{user}}, ev)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestInbox_MessagesWaitForTheNextConnectionThatMayHaveThemOldestFirst(t *testing.T) {
	with := &speech{name: "with", limits: protocol.Limits{Inbox: true},
		encode: func(ev *protocol.Event, _ protocol.Projection) []byte {
			return []byte(ev.Text("message"))
		}}
	bubble(t, Config{InboxCount: 3, InboxAge: time.Hour}, func(n *Node) {
		for i := range 5 {
			if r := note(t, n, "ann", fmt.Sprint("m", i)); r.Delivered != 0 || r.Duplicate {
				t.Errorf("%+v", r)
			}
		}
		if r := note(t, n, "ann", "m4"); !r.Duplicate {
			t.Errorf("the known one: %+v", r)
		}
		// no message: it does not wait
		_, err := n.Publish(context.Background(), "acme", Target{Users: []string{"ann"}}, jsonEvent(t, "", 1))
		if err != nil {
			t.Fatal(err)
		}
		without := enter(t, n, words, someone("ann"))
		synctest.Wait()
		without.wantHeard(t)
		without.link.Gone(protocol.Disconnected)
		synctest.Wait()
		first, second := enter(t, n, with, someone("ann")), (*client)(nil)
		synctest.Wait()
		first.wantHeard(t, "m2", "m3", "m4")
		second = enter(t, n, with, someone("ann"))
		synctest.Wait()
		second.wantHeard(t)
		if f := n.Metrics(); f.Drops[protocol.Stale] != 2 || f.Delivered != 3 {
			t.Errorf("drops %v, delivered %d", f.Drops, f.Delivered)
		}
	})
}

func TestInbox_WhatWaitsTooLongIsForgottenCountedAndItsUserRetires(t *testing.T) {
	bubble(t, Config{InboxCount: 3, InboxAge: time.Hour, DedupAge: time.Minute}, func(n *Node) {
		tenant := n.tenant("acme")
		for i := range 50 {
			note(t, n, fmt.Sprint("u", i), "m")
			note(t, n, fmt.Sprint("u", i), "n")
		}
		if inboxes, _ := tenant.inboxes.Stats(); tenant.users.Len() != 50 || inboxes != 50 {
			t.Errorf("%d users, %d inboxes", tenant.users.Len(), inboxes)
		}
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
		if inboxes, _ := tenant.inboxes.Stats(); tenant.users.Len() != 0 || inboxes != 0 ||
			n.Metrics().Drops[protocol.Stale] != 100 {
			t.Errorf("after their age: %d users, %d inboxes, drops %v", tenant.users.Len(), inboxes, n.Metrics().Drops)
		}
	})
}

func TestInbox_IsBoundedInBytes(t *testing.T) {
	with := &speech{name: "with", limits: protocol.Limits{Inbox: true},
		encode: func(ev *protocol.Event, _ protocol.Projection) []byte {
			return []byte(ev.Text("message"))[:2]
		}}
	bubble(t, Config{InboxCount: 1000, InboxAge: time.Hour}, func(n *Node) {
		tenant := n.tenant("acme")
		for i := range 10 {
			note(t, n, "ann", fmt.Sprint("m", i, strings.Repeat("x", 60<<10)))
		}
		note(t, n, "ann", "mx"+strings.Repeat("x", inbox.MaxBytes)) // does not fit, and drives nobody out
		if _, waits := tenant.inboxes.Stats(); waits == 0 || waits > inbox.MaxBytes ||
			n.Metrics().Drops[protocol.Stale] != 6 {
			t.Errorf("%d bytes wait, drops %v", waits, n.Metrics().Drops)
		}
		ann := enter(t, n, with, someone("ann"))
		synctest.Wait()
		ann.wantHeard(t, "m6", "m7", "m8", "m9")
		if inboxes, waits := tenant.inboxes.Stats(); inboxes != 0 || waits != 0 {
			t.Errorf("%d bytes wait for %d", waits, inboxes)
		}
	})
}

func TestInbox_IsOffByDefault(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		note(t, n, "ann", "m")
		if n.tenant("acme").users.Len() != 0 {
			t.Error("a user was made")
		}
	})
}

var boxed = &speech{name: "with", limits: protocol.Limits{Inbox: true},
	encode: func(ev *protocol.Event, _ protocol.Projection) []byte {
		return []byte(ev.Text("message"))
	}}

func TestInbox_WhatAConnectionDidNotTakeWaitsForTheNext(t *testing.T) {
	bubble(t, Config{InboxCount: 10, QueueFrames: 2}, func(n *Node) {
		for i := range 5 {
			note(t, n, "ann", fmt.Sprint("m", i))
		}
		var heard []string
		for range 3 {
			c := enter(t, n, boxed, someone("ann"))
			synctest.Wait()
			for _, said := range c.heard() {
				if !strings.HasPrefix(said, "bye") {
					heard = append(heard, said)
				}
			}
			c.link.Gone(protocol.Disconnected)
			synctest.Wait()
		}
		if got := strings.Join(heard, " "); got != "m0 m1 m2 m3 m4" {
			t.Errorf("heard %s", got)
		}
		if inboxes, bytes := n.tenant("acme").inboxes.Stats(); inboxes != 0 || bytes != 0 {
			t.Errorf("%d bytes wait for %d", bytes, inboxes)
		}
	})
}

// The user learns of the end of a connection a moment later than its outbox.
func TestInbox_AMessageToAConnectionThatHasJustEndedWaits(t *testing.T) {
	bubble(t, Config{InboxCount: 10}, func(n *Node) {
		c := enter(t, n, boxed, someone("ann"))
		synctest.Wait()
		c.link.outbox.Close()
		if r := note(t, n, "ann", "m"); r.Delivered != 0 {
			t.Errorf("%+v", r)
		}
		c.link.Gone(protocol.Lost)
		again := enter(t, n, boxed, someone("ann"))
		synctest.Wait()
		again.wantHeard(t, "m")
	})
}

func TestInbox_WhatATenantHasNoRoomForIsCounted(t *testing.T) {
	bubble(t, Config{InboxCount: 10}, func(n *Node) {
		note(t, n, "ann", "m")
		tenant := n.tenant("acme")
		for !tenant.inboxes.Full() { // others have it
			tenant.inboxes.Open()
		}
		note(t, n, "ann", "n")
		note(t, n, "bob", "m")
		tell(t, n, "bob", jsonEvent(t, "", 1)) // nothing that waits
		if drops, users := n.Metrics().Drops, tenant.users.Len(); drops[protocol.TooMany] != 2 || users != 1 {
			t.Errorf("drops %v, %d users", drops, users)
		}
	})
}
