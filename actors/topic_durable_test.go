package actors

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

// lives runs the lives of a node, one after the other, on one disk; topics below "orders" and "audit" are durable.
func lives(t *testing.T, cfg Config, lives ...func(n *Node)) {
	t.Helper()
	livesOn(t, vfs.NewMem(), cfg, lives...)
}

func livesOn(t *testing.T, disk vfs.FS, cfg Config, lives ...func(n *Node)) {
	t.Helper()
	for _, live := range lives {
		runOn(t, disk, cfg, policy.Rules{Durable: []string{"orders", "audit"}}, func(_ *testing.T, n *Node) { live(n) })
	}
}

// runOn runs one life of a node with some rules, on a disk.
func runOn(t *testing.T, disk vfs.FS, cfg Config, rules policy.Rules, live func(t *testing.T, n *Node)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store, err := durable.Open("data", durable.Config{Partitions: 2, Files: disk, Reserve: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		n := New(cfg, nil, TenantConfig{Name: "acme", Rules: rules})
		if err := n.UseStore(store); err != nil {
			t.Fatal(err)
		}
		live(t, n)
		n.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// heardAll are the events that a history page holds, as they are heard.
func heardAll(page HistoryPage) (all []string) {
	for _, e := range page.Events {
		all = append(all, string(e.Event.Data))
	}
	return all
}

func historyOf(t testing.TB, n *Node, topic string, after protocol.Position) []string {
	t.Helper()
	page, err := n.History(context.Background(), "acme", topic, after, 1000)
	if err != nil {
		t.Fatalf("history of %s behind %+v: %v", topic, after, err)
	}
	return heardAll(page)
}

// reliability.md check 36: a durable publish is answered, and heard, when the store has it.
func TestDurable_AReaderResumesInTheNextLifeOfTheNode(t *testing.T) {
	var at protocol.Position
	lives(t, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("ann")).subscribe(t, "orders/1")
		at = publishNumbers(t, n, "orders/1", 1, 3)
		publishNumbers(t, n, "room", 1, 1)
		synctest.Wait()
		c.wantHeard(t, countedUp(1, 3)...)
		publishNumbers(t, n, "orders/1", 4, 5)
	}, func(n *Node) {
		back := enter(t, n, words, someone("ann"))
		if out := back.resume("orders/1", at); out.Err != nil ||
			out.Position != (protocol.Position{Epoch: at.Epoch, Offset: 5}) {
			t.Fatalf("resumed: %+v", out)
		}
		last := publishNumbers(t, n, "orders/1", 6, 6)
		if last != (protocol.Position{Epoch: at.Epoch, Offset: 6}) {
			t.Errorf("goes on at %+v", last)
		}
		synctest.Wait()
		back.wantHeard(t, countedUp(4, 6)...)
		_, err := n.History(context.Background(), "acme", "room", protocol.Position{}, 0)
		if reasonOf(err) != protocol.NotFound {
			t.Errorf("a topic in memory: %v", err)
		}
	})
}

// reliability.md check 29: across a restart.
func TestDurable_AnIDIsRecognisedInTheNextLifeOfTheNode(t *testing.T) {
	var first Receipt
	lives(t, Config{}, func(n *Node) {
		first = mustPublish(t, n, "orders/1", jsonEvent(t, "a", 1))
		if again := mustPublish(t, n, "orders/1", jsonEvent(t, "a", 1)); !again.Duplicate ||
			again.Position != first.Position {
			t.Errorf("%+v", again)
		}
	}, func(n *Node) {
		c := enter(t, n, words, someone("ann")).subscribe(t, "orders")
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				again := mustPublish(t, n, "orders/1", jsonEvent(t, "a", 1))
				if !again.Duplicate || again.Position != first.Position || again.ID != "a" ||
					again.Topic != "orders/1" {
					t.Errorf("%+v", again)
				}
			})
		}
		all.Wait()
		mustPublish(t, n, "orders/2", jsonEvent(t, "a", 2)) // an id is one topic's
		synctest.Wait()
		c.wantHeard(t, `{"n":2}`)
		if got := historyOf(t, n, "orders", protocol.Position{}); fmt.Sprint(got) != `[{"n":1} {"n":2}]` {
			t.Errorf("above: %q", got)
		}
	})
}

func TestDurable_ATopicAboveKeepsWhatNobodyHears(t *testing.T) {
	var at protocol.Position
	lives(t, Config{TopicIdle: time.Second, HistoryAge: time.Second}, func(n *Node) {
		c := enter(t, n, words, someone("ann"))
		at = c.do(protocol.Subscribe{Topic: "orders"})[0].Position
		c.link.Gone(protocol.Lost)
		time.Sleep(5 * time.Second)
		if live := n.tenant("acme").topics.Len(); live != 0 {
			t.Errorf("%d topics are there, though nobody uses them", live)
		}
		publishNumbers(t, n, "orders/1", 1, 2)
		publishNumbers(t, n, "orders/2", 3, 3)
		back := enter(t, n, words, someone("ann"))
		if out := back.resume("orders", at); out.Err != nil {
			t.Fatal(out.Err)
		}
		synctest.Wait()
		back.wantHeard(t, countedUp(1, 3)...)
	})
}

// What an earlier life kept below and not above comes above when it is published again, and once.
func TestDurable_APublishThatFailedAboveIsCompletedByItsRepetition(t *testing.T) {
	lives(t, Config{}, func(n *Node) {
		// so the one above does not get it
		n.SetTenant(TenantConfig{Name: "acme", Rules: policy.Rules{Durable: []string{"orders/*"}}})
		synctest.Wait()
		mustPublish(t, n, "orders/1", jsonEvent(t, "a", 1))
	}, func(n *Node) {
		low := enter(t, n, words, someone("ann")).subscribe(t, "orders/1")
		high := enter(t, n, words, someone("ann")).subscribe(t, "orders")
		for range 3 {
			if r := mustPublish(t, n, "orders/1", jsonEvent(t, "a", 1)); !r.Duplicate || r.Position.Offset != 1 {
				t.Errorf("%+v", r)
			}
		}
		synctest.Wait()
		low.wantHeard(t)
		high.wantHeard(t, `{"n":1}`)
	})
}

func TestDurable_TopicsWithoutAnActorAreListedAndRead(t *testing.T) {
	var at protocol.Position
	lives(t, Config{}, func(n *Node) {
		for _, topic := range []string{"orders/1", "orders/2", "orders/10", "audit"} {
			at = publishNumbers(t, n, topic, 1, 2)
		}
	}, func(n *Node) {
		publishNumbers(t, n, "orders/2", 3, 3)
		publishNumbers(t, n, "room", 1, 1)
		var names []string
		for cursor := ""; ; {
			some, next, err := n.Topics(context.Background(), "acme", TopicQuery{Cursor: cursor, Limit: 2})
			if err != nil {
				t.Fatal(err)
			}
			for _, info := range some {
				names = append(names, fmt.Sprint(info.Name, " ", info.Position.Offset, " ", info.History))
				if info.Name == "audit" && info.Position != at {
					t.Errorf("%+v, want %+v", info, at)
				}
			}
			if cursor = next; next == "" {
				break
			}
		}
		got, want := fmt.Sprint(names), "[audit 2 2 orders 7 7 orders/1 2 2 orders/10 2 2 orders/2 3 3 room 1 1]"
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if some, _, _ := n.Topics(context.Background(), "acme", TopicQuery{Prefix: "orders/1"}); len(some) != 2 {
			t.Errorf("%+v", some)
		}
		events := historyOf(t, n, "audit", protocol.Position{Epoch: at.Epoch, Offset: 1})
		if fmt.Sprint(events) != `[{"n":2}]` {
			t.Errorf("%q", events)
		}
	})
}

func TestDurable_ANewRuleBoundsWhatIsThere(t *testing.T) {
	lives(t, Config{}, func(n *Node) {
		at := publishNumbers(t, n, "orders/1", 1, 20)
		n.SetTenant(TenantConfig{Name: "acme",
			Rules: policy.Rules{List: []policy.Rule{{Pattern: "orders/*", Store: policy.Durable, HistoryCount: 5}}}})
		synctest.Wait()
		if got := historyOf(t, n, "orders/1", protocol.Position{}); fmt.Sprint(got) != fmt.Sprint(countedUp(16, 20)) {
			t.Errorf("%q", got)
		}
		c := enter(t, n, words, someone("ann"))
		out := c.resume("orders/1", protocol.Position{Epoch: at.Epoch, Offset: 14})
		if reasonOf(out.Err) != protocol.PositionLost {
			t.Errorf("%+v", out)
		}
	})
}

// reliability.md checks 28 and 32, on disk: one order for all, and readers that come back meanwhile miss nothing.
func TestDurable_ManyPublishersAndResumersSeeOneOrderWithoutGaps(t *testing.T) {
	lives(t, Config{}, func(n *Node) {
		steady := enter(t, n, words, someone("ann")).subscribe(t, "orders")
		begin := publishNumbers(t, n, "orders", 0, 0)
		var all sync.WaitGroup
		for p := range 20 {
			all.Go(func() {
				for i := range 50 {
					mustPublish(t, n, fmt.Sprintf("orders/%d", p%3), jsonEvent(t, fmt.Sprint(p, "-", i), 1000*p+i+1))
				}
			})
		}
		for reader := range 10 {
			all.Go(func() {
				at := begin
				for range 10 {
					time.Sleep(time.Duration(reader+1) * time.Microsecond)
					c := enter(t, n, words, someone("bob"))
					if out := c.resume("orders", at); out.Err != nil {
						t.Error(out.Err)
					}
					c.link.Gone(protocol.Lost)
				}
			})
		}
		all.Wait()
		last := enter(t, n, words, someone("bob"))
		if out := last.resume("orders", begin); out.Err != nil {
			t.Fatal(out.Err)
		}
		synctest.Wait()
		heard := steady.heard()
		if len(heard) != 1001 {
			t.Fatalf("%d heard", len(heard))
		}
		last.wantHeard(t, heard[1:]...)
		for _, topic := range []string{"orders/0", "orders/1", "orders/2"} {
			if got := historyOf(t, n, topic, protocol.Position{}); len(got) < 300 {
				t.Errorf("%s: %d", topic, len(got))
			}
		}
	})
}

func TestDurable_MoreMissedThanMayWaitIsSaid(t *testing.T) {
	lives(t, Config{QueueFrames: 50}, func(n *Node) {
		begin := publishNumbers(t, n, "orders/1", 1, 1)
		publishNumbers(t, n, "orders/1", 2, 60)
		c := enter(t, n, words, someone("ann"))
		if out := c.resume("orders/1", begin); reasonOf(out.Err) != protocol.PositionLost {
			t.Errorf("%+v", out)
		}
		if out := c.resume("orders/1", protocol.Position{Epoch: begin.Epoch, Offset: 11}); out.Err != nil {
			t.Errorf("%+v", out)
		}
		synctest.Wait()
		c.wantHeard(t, countedUp(12, 60)...)
	})
}

// A parent that is on disk and has no actor is made for the first event from below. The next ones do not overtake it.
func TestTopic_ADurableParentHasTheOrderOfTheTopicBelow(t *testing.T) {
	lives(t, Config{TopicIdle: time.Second}, func(n *Node) {
		var want []string
		for round := range 10 {
			enter(t, n, words, someone("a")).subscribe(t, "orders/1/x")
			time.Sleep(5 * time.Second) // the parents end
			var events []*protocol.Event
			for i := range pipelineDepth {
				events = append(events, jsonEvent(t, "", 1+round*pipelineDepth+i))
				want = append(want, string(events[i].Data))
			}
			to := Target{Topic: "orders/1/x"}
			n.PublishAll(context.Background(), "acme", to, events, func(_ Receipt, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
		for _, topic := range []string{"orders/1/x", "orders/1", "orders"} {
			if got := historyOf(t, n, topic, protocol.Position{}); !slices.Equal(got, want) {
				t.Errorf("%s: %q", topic, got)
			}
		}
	})
}
