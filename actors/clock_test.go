package actors

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/history/suite"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

// under runs a life of a node whose topics below "orders" are durable, and whose clock the test sets.
func under(t *testing.T, wall *suite.Wall, disk vfs.FS, live func(n *Node)) {
	t.Helper()
	store, err := durable.Open("data", durable.Config{Partitions: 1, Files: disk, Reserve: 1 << 20, Clock: wall.Now})
	if err != nil {
		t.Fatal(err)
	}
	const age = 10 * time.Minute
	cfg := Config{HistoryAge: age, DurableAge: age, DedupAge: age, InboxAge: age, InboxCount: 10, Clock: wall.Now}
	n := New(cfg, nil, TenantConfig{Name: "acme", Rules: policy.Rules{Durable: []string{"orders"}}})
	if err := n.UseStore(store); err != nil {
		t.Fatal(err)
	}
	live(n)
	n.Close()
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

// wantKept wants all events of a topic there, of which the newest was answered so, and its id recognised.
func wantKept(t *testing.T, n *Node, topic string, last Receipt, count int) {
	t.Helper()
	page, err := n.History(context.Background(), "acme", topic, protocol.Position{}, 1000)
	if err != nil || page.Position != last.Position || len(page.Events) != count {
		t.Fatalf("%d of %d events are there, up to %+v, answered was %+v: %v",
			len(page.Events), count, page.Position, last.Position, err)
	}
	if again := mustPublish(t, n, topic, jsonEvent(t, last.ID, count)); !again.Duplicate ||
		again.Position != last.Position {
		t.Fatalf("published again it is %+v, and was %+v", again, last)
	}
}

// steps are those of the wall clock: all of them with PARLEY_CHECKS=full, as the store's own tests have them each time.
func steps() []time.Duration {
	if sized(0, 1) == 1 {
		return suite.Steps
	}
	return suite.FewSteps
}

// F1, F2: the wall clock is set, at rest and while much is published: of a topic in memory or on disk, nothing that was
// acknowledged is gone, no id in its window is taken again, and what is old goes when it would have gone.
func TestClock_AStepRemovesRepeatsAndRefusesNothing(t *testing.T) {
	for _, topic := range []string{"room/1", "orders/1"} {
		for _, step := range steps() {
			t.Run(fmt.Sprintf("%s, %s, at rest", topic, step), func(t *testing.T) {
				wall := &suite.Wall{}
				under(t, wall, vfs.NewMem(), func(n *Node) {
					var last Receipt
					for i := range 7 { // whatever time their publisher says
						last = mustPublish(t, n, topic, dated(t, i, wall.Now().Add(-step)))
					}
					for _, ahead := range []time.Duration{step, 0, step} {
						wall.Set(ahead)
						wall.Pass(3 * time.Minute)
						wantKept(t, n, topic, last, 7)
					}
					wall.Pass(2 * time.Minute)
					page, err := n.History(context.Background(), "acme", topic, protocol.Position{}, 1000)
					if err != nil || len(page.Events) != 0 {
						t.Errorf("%d events are older than is remembered, and there: %v", len(page.Events), err)
					}
					if again := mustPublish(t, n, topic, jsonEvent(t, last.ID, 8)); again.Duplicate ||
						again.Position.Offset != 8 {
						t.Errorf("behind its window an id is %+v", again)
					}
				})
			})
			t.Run(fmt.Sprintf("%s, %s, under load", topic, step), func(t *testing.T) {
				wall := &suite.Wall{}
				under(t, wall, vfs.NewMem(), func(n *Node) {
					var last Receipt
					for i := range 60 {
						id := fmt.Sprint("id ", i)
						wall.Set(time.Duration(i%3-1) * step)
						last = mustPublish(t, n, topic, jsonEvent(t, id, i+1))
						wall.Set(time.Duration((i+1)%3-1) * step)
						again := mustPublish(t, n, topic, jsonEvent(t, id, i+1))
						if last.Duplicate || !again.Duplicate || again.Position != last.Position {
							t.Fatalf("event %d got %+v and then %+v", i+1, last, again)
						}
						wall.Pass(5 * time.Second)
					}
					wantKept(t, n, topic, last, 60)
				})
			})
		}
	}
}

// dated is an event with a time of its publisher's.
func dated(t *testing.T, number int, at time.Time) *protocol.Event {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{ID: fmt.Sprint("id ", number), Kind: protocol.JSON,
		Data: []byte("{}"), Time: at.Round(0)})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// F1, F2: a node is started while the wall clock is wrong, and again when it is right, or the other way round.
func TestClock_AWrongOneAtTheStartLosesNoPositionAndNoID(t *testing.T) {
	const topic = "orders/1"
	for _, step := range steps() {
		for _, wrong := range [][3]time.Duration{{0, step, 0}, {step, 0, step}} {
			t.Run(fmt.Sprint(wrong), func(t *testing.T) {
				wall, disk := &suite.Wall{}, vfs.NewMem()
				var last Receipt
				for life, ahead := range wrong {
					wall.Set(ahead)
					under(t, wall, disk, func(n *Node) {
						if life == 0 {
							publishNumbers(t, n, topic, 1, 6)
							last = mustPublish(t, n, topic, jsonEvent(t, "a", 7))
						}
						wantKept(t, n, topic, last, 7)
						wall.Pass(2 * time.Minute)
						wantKept(t, n, topic, last, 7)
					})
				}
			})
		}
	}
}

// F1, F2: what waits for a user waits for its time, and a member of a topic is there for its own.
func TestClock_AStepTakesNothingFromInboxesAndPresence(t *testing.T) {
	with := &speech{name: "with", limits: protocol.Limits{Inbox: true}}
	for _, step := range steps() {
		t.Run(step.String(), func(t *testing.T) {
			wall := &suite.Wall{}
			under(t, wall, vfs.NewMem(), func(n *Node) {
				c := enter(t, n, words, someone("bob"))
				c.do(protocol.Announce{Topic: "o/1", Member: "x", For: 10 * time.Minute})
				there := func() int {
					all, err := n.Presence(context.Background(), "acme", "o")
					if err != nil {
						t.Fatal(err)
					}
					return len(all)
				}
				soon(t, "the member is present", func() bool { return there() == 1 })
				note(t, n, "ann", "hello")
				wall.Set(step)
				wall.Pass(9 * time.Minute)
				if again := note(t, n, "ann", "hello"); !again.Duplicate {
					t.Errorf("published again: %+v", again)
				}
				if there() != 1 {
					t.Error("the member is gone before its time")
				}
				ann := enter(t, n, with, someone("ann"))
				soon(t, "what waited is heard", func() bool { return len(ann.heard()) > 0 })
				ann.wantHeard(t, `{"level":"info","message":"hello"}`)
				wall.Pass(time.Minute)
				if there() != 0 {
					t.Error("the member is there behind its time")
				}
			})
		})
	}
}

// soon waits until something holds.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}
