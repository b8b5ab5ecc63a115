package actors

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

// A subscriber with a filter hears the newest event of a key that it wants, whatever others want.
func TestBatch_LatestIsTheNewestThatTheSubscriberWants(t *testing.T) {
	batched(t, Config{}, func(n *Node) {
		all := enter(t, n, words, someone("all")).subscribe(t, "latest")
		few := enter(t, n, words, someone("few"))
		few.want(t, "latest", protocol.Filter{Where: []protocol.Condition{{Attribute: "level", In: []string{"high"}}}})
		for i, level := range []string{"low", "high", "low", "low"} {
			ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON, Key: "x",
				Data: fmt.Appendf(nil, `{"n":%d,"level":%q}`, i, level)})
			if err != nil {
				t.Fatal(err)
			}
			mustPublish(t, n, "latest", ev)
		}
		few.wantIn(t, window, `{"n":1,"level":"high"}`)
		all.wantHeard(t, `{"n":1,"level":"high"}`, `{"n":3,"level":"low"}`)
	})
}

// delivered counts nobody whose dialect has no words for the event.
func TestBatch_LatestCountsOnlyThoseWhoWillHear(t *testing.T) {
	batched(t, Config{}, func(n *Node) {
		mute := &speech{name: "mute", encode: func(*protocol.Event, protocol.Projection) []byte { return nil }}
		enter(t, n, mute, someone("a")).subscribe(t, "latest", "room")
		for _, topic := range []string{"room", "latest"} {
			if r := mustPublish(t, n, topic, keyed(t, "x", 1)); r.Delivered != 0 {
				t.Errorf("%s: %+v", topic, r)
			}
		}
	})
}

// An outbox that takes few frames holds as many as it takes: its reader is not slow since events were made to wait.
func TestBatch_NobodyIsSlowSinceEventsWait(t *testing.T) {
	for _, slow := range []string{policy.Disconnect, policy.DropOldest, policy.Conflate} {
		bubble(t, Config{QueueFrames: 40}, func(n *Node) {
			n.SetTenant(TenantConfig{Name: "acme", Rules: policy.Rules{BatchWindow: window, Slow: slow}})
			c := enter(t, n, words, someone("a")).subscribe(t, "room")
			for i := range 60 {
				synctest.Wait() // its reader is fast
				if r := mustPublish(t, n, "room", keyed(t, fmt.Sprint(i), i+1)); r.Delivered != 1 {
					t.Errorf("%s: event %d: %+v", slow, i+1, r)
				}
			}
			c.wantIn(t, window, countedUp(1, 60)...)
		})
	}
}

// A topic that fails before it has a window wakes the transports for which events wait all the same.
func TestBatch_AFailureAmongTheSubscribersLeavesNobodyAsleep(t *testing.T) {
	batched(t, Config{}, func(n *Node) {
		ann := enter(t, n, words, someone("ann")).subscribe(t, "room")
		w := &fuse{tape: &tape{}}
		odd := &client{w.tape, &hand{}}
		to := ConnectOptions{Tenant: "acme", Dialect: words, Session: odd.hand, Identity: someone("odd")}
		_, err := n.Connect(to,
			func(l *Conn) outbox.Transport {
				odd.link = l
				return w
			})
		if err != nil {
			t.Fatal(err)
		}
		odd.subscribe(t, "other", "room")
		synctest.Wait() // events wait only where the transport sleeps
		pad := strings.Repeat("x", 32<<10-100)
		ev, _ := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON,
			Data: fmt.Appendf(nil, `{"pad":%q}`, pad)})
		mustPublish(t, n, "other", ev)
		w.lit.Store(true)
		ev, _ = protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON,
			Data: fmt.Appendf(nil, `{"pad":%q}`, pad[:1000])})
		if _, err := publishTo(n, "room", ev); reasonOf(err) != protocol.Internal {
			t.Fatal(err)
		}
		time.Sleep(window)
		if ann.wantIn(t, time.Second, string(ev.Data)); n.backlog.Batched() != 0 {
			t.Errorf("%d bytes are batched", n.backlog.Batched())
		}
	})
}
