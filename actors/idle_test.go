package actors

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

func TestIdle_ATopicThatNobodyUsesIsRemovedAndBeginsANewEpoch(t *testing.T) {
	bubble(t, Config{TopicIdle: 15 * time.Minute}, func(n *Node) {
		topics := n.tenant("acme").topics
		first := mustPublish(t, n, "left", jsonEvent(t, "", 1))
		heard := enter(t, n, words, someone("a")).subscribe(t, "heard")
		above := enter(t, n, words, someone("b")).subscribe(t, "above")
		above.do(protocol.Unsubscribe{Topic: "above"})
		for range 80 {
			time.Sleep(15 * time.Second)
			heard.link.Heard()
			above.link.Heard()
			mustPublish(t, n, "above/below", jsonEvent(t, "", 1)) // what comes from below keeps nobody's topic
		}
		if topics.Send("left", idleTimeout{}) || topics.Send("above", idleTimeout{}) {
			t.Error("a topic that nobody uses is still there")
		}
		if r := mustPublish(t, n, "heard", jsonEvent(t, "", 2)); r.Delivered != 1 || r.Position.Offset != 1 {
			t.Errorf("a topic with a subscriber: %+v", r)
		}
		again := mustPublish(t, n, "left", jsonEvent(t, "", 3))
		if again.Position.Epoch == first.Position.Epoch || again.Position.Offset != 1 {
			t.Errorf("the topic that was made anew: %+v, before: %+v", again, first)
		}
		_, err := n.History(context.Background(), "acme", "left", first.Position, 0)
		if reasonOf(err) != protocol.PositionLost {
			t.Errorf("a position of its former life: %v", err)
		}
		heard.link.Gone(protocol.Disconnected)
		above.link.Gone(protocol.Disconnected)
		time.Sleep(40 * time.Minute)
		if made, there := n.tenant("acme").topicsMade.Load(), topics.Len(); made != 0 || there != 0 {
			t.Errorf("%d topics are counted, %d are there", made, there)
		}
	})
}

func TestIdle_AUserIsRemovedWhenItsLastConnectionAndItsEventIDsAreGone(t *testing.T) {
	bubble(t, Config{DedupAge: time.Minute}, func(n *Node) {
		users := n.tenant("acme").users
		c := enter(t, n, words, someone("ann"))
		synctest.Wait()
		c.link.Gone(protocol.Disconnected)
		synctest.Wait()
		if users.Len() != 0 {
			t.Error("a user without connections and ids is there")
		}
		c = enter(t, n, words, someone("ann"))
		synctest.Wait()
		send := func(id string) Receipt {
			r, err := n.Publish(context.Background(), "acme", Target{Users: []string{"ann"}}, jsonEvent(t, id, 1))
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		send("one")
		c.link.Gone(protocol.Disconnected)
		synctest.Wait()
		if r := send("one"); !r.Duplicate {
			t.Errorf("an id is forgotten with the connection: %+v", r)
		}
		// One that comes and goes often does not collect timers, though its ids never run out.
		for i := range 200 {
			c := enter(t, n, words, someone("ann"))
			synctest.Wait()
			send(fmt.Sprint(i))
			c.link.Gone(protocol.Disconnected)
			time.Sleep(time.Second)
		}
		if timers := n.wheel.Pending(func(a timer.Target) bool { _, ok := a.(*user); return ok }); timers > 1 {
			t.Errorf("%d timers wait for one user", timers)
		}
		time.Sleep(3 * time.Minute)
		if users.Len() != 0 {
			t.Error("the user is there after its last id was forgotten")
		}
	})
}

// A message that waits at the moment of the removal neither gets lost nor keeps the user for ever.
func TestIdle_AUserWithWaitingMessagesAtItsIdleTimeoutIsRemovedAfterwards(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		users := n.tenant("acme").users
		c := enter(t, n, words, someone("ann"))
		synctest.Wait()
		for range 3 { // the user is down: messages wait
			users.SendUnbounded("ann", crash{"a test"})
			synctest.Wait()
		}
		c.link.Gone(protocol.Disconnected)
		synctest.Wait()
		users.SendUnbounded("ann", idleTimeout{})
		answers := make(chan error, 5)
		for range 5 {
			go func() { answers <- second(n.User(context.Background(), "acme", "ann")) }()
		}
		for range 5 {
			if err := <-answers; reasonOf(err) != protocol.NotFound {
				t.Errorf("a question that waited: %v", err)
			}
		}
		synctest.Wait()
		if users.Len() != 0 {
			t.Error("the user is still there")
		}
	})
}

// Publishes and subscribers that race with a topic's removal get a topic, the old or the new one.
func TestIdle_NoPublishAndNoSubscriberIsLostToATopicThatIsRemoved(t *testing.T) {
	n := New(Config{TopicIdle: time.Nanosecond}, anyone{}, TenantConfig{Name: "acme"})
	defer n.Close()
	var wg sync.WaitGroup
	var delivered atomic.Int64
	stop := make(chan struct{})
	wg.Go(func() { // sends the topics their idle timeout all the time
		for {
			select {
			case <-stop:
				return
			default:
			}
			for i := range 4 {
				n.tenant("acme").topics.SendUnbounded(fmt.Sprint("t/", i), idleTimeout{})
			}
			time.Sleep(10 * time.Microsecond)
		}
	})
	var workers sync.WaitGroup
	epochs := sync.Map{}
	for w := range 4 {
		workers.Go(func() {
			me := enter(t, n, words, someone(fmt.Sprint(w)))
			topic := fmt.Sprint("t/", w)
			for i := range 300 {
				if i%10 == 0 { // nobody listens: it may be removed
					r := mustPublish(t, n, topic, jsonEvent(t, "", i))
					epochs.Store(r.Position.Epoch, true)
				}
				me.subscribe(t, topic)
				if r := mustPublish(t, n, topic, jsonEvent(t, "", i)); r.Delivered != 1 {
					t.Errorf("round %d: delivered to %d", i, r.Delivered)
				}
				delivered.Add(1)
				me.do(protocol.Unsubscribe{Topic: topic})
			}
		})
	}
	workers.Wait()
	close(stop)
	wg.Wait()
	lives := 0
	epochs.Range(func(any, any) bool { lives++; return true })
	t.Logf("4 topics had %d lives", lives)
	if lives <= 4 {
		t.Errorf("only %d lives: the test did not test", lives)
	}
}

// A connection that gave up waiting leaves nothing behind, neither in a topic nor in a user.
func TestIdle_AConnectionThatWaitedTooLongLeavesNoGhost(t *testing.T) {
	g := &gateway{}
	g.know("ann", someone("ann"))
	g.know("bob", someone("bob"))
	guarded(t, Config{RequestTimeout: time.Second}, g, func(n *Node) {
		bob := enter(t, n, words, someone("bob")).subscribe(t, "room")
		ann := enter(t, n, words, someone("ann"))
		synctest.Wait()
		tenant := n.tenant("acme")
		fail := func(actors *mailbox.Registry, name string) {
			for range 8 {
				actors.SendUnbounded(name, crash{"a test"})
			}
			time.Sleep(3300 * time.Millisecond) // now it is down for three seconds more
		}
		fail(tenant.topics, "room")
		if out := ann.do(protocol.Subscribe{Topic: "room"}); reasonOf(out[0].Err) != protocol.Busy {
			t.Errorf("subscribe to a topic that is down: %+v", out)
		}
		if code, reason := bob.ended(); code != 0 {
			t.Errorf("bob was closed: %s", reason)
		}
		fail(tenant.users, "bob")
		late := enter(t, n, words, nil)
		if out := late.do(login("bob")); reasonOf(out[0].Err) != protocol.Busy {
			t.Errorf("a login of a user that is down: %+v", out)
		}
		time.Sleep(20 * time.Second)
		for _, c := range []*client{bob, ann, late} {
			c.link.Heard()
		}
		if r := mustPublish(t, n, "room", jsonEvent(t, "", 1)); r.Delivered != 1 {
			t.Errorf("the topic delivered to %d, want bob alone", r.Delivered)
		}
		r, err := n.Publish(context.Background(), "acme", Target{Users: []string{"bob"}}, jsonEvent(t, "", 1))
		if err != nil || r.Delivered != 1 {
			t.Errorf("the user delivered to %+v, %v, want bob's first connection alone", r, err)
		}
	})
}

// The next larger piece of memory that Go gives out has 576 bytes.
func TestIdle_AConnectionFitsItsPieceOfMemory(t *testing.T) {
	if size := unsafe.Sizeof(connection{}); size > 512 {
		t.Errorf("a connection takes %d bytes", size)
	}
}
