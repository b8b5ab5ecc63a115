package actors

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// The tests of this file are the failure promises of doc.go, each with its name.

func TestFailure_ATopicThatPanicsKeepsAllThatItKnowsAndGoesOn(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		ann := enter(t, n, words, someone("ann")).subscribe(t, "room")
		bob := enter(t, n, words, someone("bob")).subscribe(t, "room")
		first := mustPublish(t, n, "room", jsonEvent(t, "one", 1))
		crashTopic(n, "room")
		synctest.Wait()
		repeated := mustPublish(t, n, "room", jsonEvent(t, "one", 1))
		if !repeated.Duplicate || repeated.Position != first.Position { // dedup window
			t.Errorf("after the restart the known event got %+v, at first %+v", repeated, first)
		}
		second := mustPublish(t, n, "room", jsonEvent(t, "two", 2))
		if second.Position.Epoch != first.Position.Epoch || second.Position.Offset != 2 { // epoch, offset
			t.Errorf("position after the restart: %+v, before: %+v", second.Position, first.Position)
		}
		if second.Delivered != 2 { // subscribers
			t.Errorf("delivered to %d of 2", second.Delivered)
		}
		page, err := n.History(context.Background(), "acme", "room", protocol.Position{}, 0)
		if err != nil || len(page.Events) != 2 || page.Events[0].Event.ID != "one" { // history
			t.Errorf("history after the restart: %+v, %v", page, err)
		}
		synctest.Wait()
		for _, c := range []*client{ann, bob} {
			c.wantHeard(t, `{"n":1}`, `{"n":2}`)
		}
		if n.Metrics().Restarts["topic"] != 1 {
			t.Errorf("restarts: %v", n.Metrics().Restarts)
		}
	})
}

// fuse is a transport that panics once when it is woken, on the goroutine that wakes it.
type fuse struct {
	*tape
	lit atomic.Bool
}

func (w *fuse) Wake() {
	if w.lit.CompareAndSwap(true, false) {
		panic("a transport that breaks its promise")
	}
	w.tape.Wake()
}

func TestFailure_ThePublishThatATopicFailsAtIsRefusedInternalAndMayBeRetried(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		w := &fuse{tape: &tape{}}
		odd := &client{w.tape, &hand{}}
		_, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: words, Session: odd.hand, Identity: someone("odd")},
			func(l *Conn) outbox.Transport {
				odd.link = l
				return w
			})
		if err != nil {
			t.Fatal(err)
		}
		odd.subscribe(t, "room")
		ann := enter(t, n, words, someone("ann")).subscribe(t, "room")
		mustPublish(t, n, "room", jsonEvent(t, "zero", 0))
		synctest.Wait()

		w.lit.Store(true)
		if _, err := publishTo(n, "room", jsonEvent(t, "one", 1)); reasonOf(err) != protocol.Internal {
			t.Fatalf("the failed publish: %v", err)
		}
		// check 29: the retry of a failure is no duplicate.
		r, failure := publishTo(n, "room", jsonEvent(t, "one", 1))
		if failure != nil || r.Duplicate || r.Delivered != 2 {
			t.Errorf("the retry: %+v, %v", r, failure)
		}
		if again := mustPublish(t, n, "room", jsonEvent(t, "one", 1)); !again.Duplicate ||
			again.Position != r.Position {
			t.Errorf("the retry of the retry: %+v, want %+v", again, r)
		}
		synctest.Wait()
		ann.wantHeard(t, `{"n":0}`, `{"n":1}`)
	})
}

func TestFailure_MessagesThatWaitAreHandledAfterARestart(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("ann")).subscribe(t, "room")
		for range 3 { // the third restart is 50 ms away
			crashTopic(n, "room")
			synctest.Wait()
		}
		start, answers := time.Now(), make(chan Receipt, 10)
		for i := range 10 {
			go func() {
				r, err := publishTo(n, "room", jsonEvent(t, fmt.Sprint(i), i))
				if err != nil {
					t.Errorf("a publish that waited: %v", err)
				}
				answers <- r
			}()
		}
		synctest.Wait()
		if len(answers) != 0 {
			t.Fatal("the topic answered while it was down")
		}
		for range 10 {
			<-answers
		}
		if took := time.Since(start); took == 0 || took > mailbox.SlowestRestart {
			t.Errorf("the restart took %s", took)
		}
		synctest.Wait()
		if got := len(c.heard()); got != 10 {
			t.Errorf("%d of 10 events were delivered", got)
		}
	})
}

func TestFailure_AUserThatPanicsKeepsItsConnections(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		a, b := enter(t, n, words, someone("ann")), enter(t, n, words, someone("ann"))
		synctest.Wait()
		first, err := n.Publish(context.Background(), "acme", Target{Users: []string{"ann"}}, jsonEvent(t, "one", 1))
		if err != nil || first.Delivered != 2 {
			t.Fatalf("%+v, %v", first, err)
		}
		n.tenant("acme").users.SendUnbounded("ann", crash{"a test"})
		synctest.Wait()
		again, err := n.Publish(context.Background(), "acme", Target{Users: []string{"ann"}}, jsonEvent(t, "one", 1))
		if err != nil || !again.Duplicate || again.Delivered != 2 {
			t.Errorf("the known event after the restart: %+v, %v", again, err)
		}
		r, err := n.Publish(context.Background(), "acme", Target{Users: []string{"ann"}}, jsonEvent(t, "two", 2))
		if err != nil || r.Delivered != 2 {
			t.Errorf("after the restart: %+v, %v", r, err)
		}
		synctest.Wait()
		a.wantHeard(t, `{"n":1}`, `{"n":2}`)
		b.wantHeard(t, `{"n":1}`, `{"n":2}`)
		a.link.Gone(protocol.Disconnected)
		synctest.Wait()
		if u, err := n.User(context.Background(), "acme", "ann"); err != nil || len(u.Connections) != 1 {
			t.Errorf("after one left: %+v, %v", u, err)
		}
	})
}

func TestFailure_ATenantThatPanicsLeavesItsUsersTopicsAndConnectionsAloneAndMakesNewOnesAfterwards(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		ann := enter(t, n, words, someone("ann")).subscribe(t, "room")
		for range 3 {
			n.tenant("acme").box.SendUnbounded(crash{"a test"})
			synctest.Wait()
		}
		// It is down now; what exists does not notice.
		start := time.Now()
		if r := mustPublish(t, n, "room", jsonEvent(t, "", 1)); r.Delivered != 1 {
			t.Errorf("%+v", r)
		}
		_, err := n.Publish(context.Background(), "acme", Target{Users: []string{"ann"}}, jsonEvent(t, "", 2))
		if err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("publishing took %s while the tenant was down", took)
		}
		bob := enter(t, n, words, someone("bob")).subscribe(t, "new") // waits for the tenant
		mustPublish(t, n, "new", jsonEvent(t, "", 3))
		synctest.Wait()
		ann.wantHeard(t, `{"n":1}`, `{"n":2}`)
		bob.wantHeard(t, `{"n":3}`)
	})
}

func TestFailure_RepeatedPanicsBackOffAndDoNotStopOthers(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		good := enter(t, n, words, someone("ann")).subscribe(t, "good")
		enter(t, n, words, someone("bob")).subscribe(t, "bad")
		core := n.tenant("acme").topics
		var gaps []time.Duration
		for range 9 {
			start := time.Now()
			crashTopic(n, "bad")
			answer := mailbox.NewReply[TopicInfo]()
			core.SendUnbounded("bad", describe{answer})
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			if _, err := answer.Wait(ctx); err != nil {
				t.Fatalf("after %d failures: %v", len(gaps)+1, err)
			}
			cancel()
			gaps = append(gaps, time.Since(start))
			if r := mustPublish(t, n, "good", jsonEvent(t, "", len(gaps))); r.Delivered != 1 {
				t.Errorf("the good topic delivered to %d", r.Delivered)
			}
		}
		if gaps[0] != 0 || gaps[1] < mailbox.FirstDelay || !slices.IsSorted(gaps[:7]) ||
			slices.Max(gaps) > mailbox.SlowestRestart+timer.Granularity {
			t.Errorf("restarts took %v", gaps)
		}
		synctest.Wait()
		if got := len(good.heard()); got != 9 {
			t.Errorf("the good topic's subscriber heard %d of 9", got)
		}
		// Failures of long ago are forgiven.
		time.Sleep(2 * mailbox.ForgiveAfter)
		start := time.Now()
		crashTopic(n, "bad")
		mustPublish(t, n, "bad", jsonEvent(t, "", 1))
		if took := time.Since(start); took != 0 {
			t.Errorf("a first failure after a long time delayed by %s", took)
		}
	})
}
