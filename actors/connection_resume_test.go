package actors

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// tell publishes an event to a user of acme.
func tell(t testing.TB, n *Node, user string, ev *protocol.Event) Receipt {
	t.Helper()
	r, err := n.Publish(context.Background(), "acme", Target{Users: []string{user}}, ev)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSessionResume_AnUnverifiedClientTakesOverNothing(t *testing.T) {
	unverified := &protocol.Identity{User: "ann", Unverified: true, Topics: []protocol.Pattern{"*"}}
	for _, key := range []string{"", "tab"} {
		bubble(t, lingering, func(n *Node) {
			ann := comeBack(t, n, words, someone("ann"), key).subscribe(t, "room")
			ann.stop(true)
			publishNumbers(t, n, "room", 1, 2)
			liar := comeBack(t, n, words, unverified, key)
			synctest.Wait()
			if code, reason := ann.ended(); code != 0 {
				t.Errorf("key %q: the connection of the verified user was ended: %d %s", key, code, reason)
			}
			liar.link.Gone(protocol.Disconnected)
			synctest.Wait()
			ann.lose()
			liar = comeBack(t, n, words, unverified, key)
			synctest.Wait()
			liar.wantHeard(t)
			liar.wantBack(t, 0, 0, 0)
		})
	}
}

func TestSessionResume_EventsThatWaitedAreWithheldFromAClientThatLostARightAndCounted(t *testing.T) {
	bubble(t, lingering, func(n *Node) {
		c := enter(t, n, words, someone("ann")).subscribe(t, "secret", "hall")
		c.stop(true)
		publishNumbers(t, n, "secret", 1, 2)
		c.lose()
		tell(t, n, "ann", jsonEvent(t, "", 3))
		publishNumbers(t, n, "hall", 4, 4)
		again := enter(t, n, words, &protocol.Identity{User: "ann", Topics: []protocol.Pattern{"hall"}})
		synctest.Wait()
		again.wantHeard(t, `{"n":3}`, `{"n":4}`)
		again.wantBack(t, 1, 2, 3) // two events, and the subscription
	})
}

// A client that comes back while its old connection is still there hears what is sent to its user meanwhile once:
// there, or here, or from the session.
func TestSessionResume_EventsToTheUserAreHeardOnceWhenAKeyTakesOver(t *testing.T) {
	for round := range 20 {
		bubble(t, lingering, func(n *Node) {
			old := comeBack(t, n, words, someone("ann"), "tab").subscribe(t, "room")
			synctest.Wait()
			var busy sync.WaitGroup
			busy.Go(func() {
				for i := 1; i <= 100; i++ {
					tell(t, n, "ann", jsonEvent(t, "", i))
					if i%(round+1) == 0 {
						time.Sleep(time.Microsecond)
					}
				}
			})
			time.Sleep(time.Duration(round) * time.Microsecond)
			again := comeBack(t, n, words, someone("ann"), "tab")
			busy.Wait()
			synctest.Wait()
			if heard := append(old.heard(), again.heard()...); !slices.Equal(heard, countedUp(1, 100)) {
				t.Errorf("round %d: heard %q", round, heard)
			}
			if missed := again.told(t).Missed; missed != 0 {
				t.Errorf("round %d: %d missed", round, missed)
			}
		})
	}
}

// The user learns of the end of a connection a moment later than its outbox.
func TestSessionResume_EventsToTheUserBeforeItKnowsOfTheEndAreNotLost(t *testing.T) {
	bubble(t, lingering, func(n *Node) {
		c := enter(t, n, words, someone("ann"))
		synctest.Wait()
		c.link.outbox.Detach()
		for i := range resume.MaxAfter + 2 {
			tell(t, n, "ann", jsonEvent(t, "", i))
		}
		c.lose()
		again := enter(t, n, words, someone("ann"))
		synctest.Wait()
		again.wantHeard(t, countedUp(0, resume.MaxAfter-1)...)
		again.wantBack(t, 0, resume.MaxAfter, 2)
	})
}

func TestSessionResume_EventsToTheUserMeanwhileAreBoundedAndTheRestIsCounted(t *testing.T) {
	bubble(t, lingering, func(n *Node) {
		long := &speech{name: "long", encode: func(ev *protocol.Event, _ protocol.Projection) []byte {
			return append([]byte(strings.Repeat("x", 50<<10)), ev.Data...)
		}}
		enter(t, n, long, someone("ann")).lose()
		for i := range 8 {
			tell(t, n, "ann", jsonEvent(t, "", i))
		}
		if f := n.Metrics(); f.SuspendedSessionBytes > resume.MaxSession || f.SuspendedSessionBytes < 5*50<<10 {
			t.Errorf("%d bytes are suspended", f.SuspendedSessionBytes)
		}
		again := enter(t, n, long, someone("ann"))
		synctest.Wait()
		again.wantBack(t, 0, 5, 3)
		if f := n.Metrics(); f.SuspendedSessionBytes != 0 {
			t.Errorf("%d bytes are left", f.SuspendedSessionBytes)
		}
	})
}

// Events that the outbox has no room for are counted, and do not make the client a slow one.
func TestSessionResume_ASessionThatDoesNotFitTheOutboxIsCutFromItsOldEnd(t *testing.T) {
	bubble(t, Config{Linger: time.Minute, QueueFrames: 8}, func(n *Node) {
		c := enter(t, n, words, someone("ann")).subscribe(t, "room")
		c.stop(true)
		publishNumbers(t, n, "room", 1, 8)
		c.lose()
		for i := 9; i <= 12; i++ {
			tell(t, n, "ann", jsonEvent(t, "", i))
		}
		again := enter(t, n, words, someone("ann"))
		synctest.Wait()
		again.wantHeard(t, countedUp(5, 12)...)
		again.wantBack(t, 1, 8, 4)
	})
}

// One timer is enough for however many sessions of a user.
func TestSessionResume_AClientThatComesAndGoesLeavesNoHeapOfTimers(t *testing.T) {
	bubble(t, Config{Linger: time.Hour}, func(n *Node) {
		all := func(timer.Target) bool { return true }
		before := n.wheel.Pending(all)
		for range 100 {
			comeBack(t, n, words, someone("ann"), "tab").lose()
		}
		if got := n.wheel.Pending(all) - before; got > 110 { // one each of the connections' own, and one of the user
			t.Errorf("%d timers are set", got)
		}
		time.Sleep(30 * time.Minute)
		comeBack(t, n, words, someone("ann"), "tab").lose()
		time.Sleep(31 * time.Minute) // the first timer has fired; the session is not old enough
		if n.Metrics().SuspendedSessions != 1 {
			t.Fatal("the session is gone too early")
		}
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if f := n.Metrics(); f.SuspendedSessions != 0 || f.Faded != 1 {
			t.Errorf("%d sessions are suspended, %d expired", f.SuspendedSessions, f.Faded)
		}
	})
}
