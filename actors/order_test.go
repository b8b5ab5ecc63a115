package actors

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// reliability.md check 28.
func TestOrder_TwentyConcurrentPublishersAreHeardInOneOrderByFiftySubscribers(t *testing.T) {
	const publishers, each, subscribers = 20, 50, 50
	bubble(t, Config{HistoryCount: publishers * each, HistoryBytes: 64 << 20}, func(n *Node) {
		var all []*client
		for i := range subscribers {
			all = append(all, enter(t, n, words, someone(fmt.Sprint("u", i))).subscribe(t, "room"))
		}
		var wg sync.WaitGroup
		for p := range publishers {
			wg.Go(func() {
				last := uint64(0)
				for i := range each {
					r := mustPublish(t, n, "room", jsonEvent(t, "", p*each+i))
					if r.Position.Offset <= last || r.Delivered != subscribers {
						t.Errorf("publisher %d: %+v after offset %d", p, r, last)
					}
					last = r.Position.Offset
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		order := all[0].heard()
		if len(order) != publishers*each {
			t.Fatalf("%d events were heard, want %d", len(order), publishers*each)
		}
		for _, c := range all[1:] {
			if !slices.Equal(c.heard(), order) {
				t.Fatalf("%s heard another order", c.link.ID())
			}
		}
		page, err := n.History(context.Background(), "acme", "room", protocol.Position{}, info.MaxPage)
		if err != nil || len(page.Events) != len(order) {
			t.Fatalf("%d in the history, %v", len(page.Events), err)
		}
		for i, e := range page.Events { // the order is that of the offsets
			if e.Offset != uint64(i+1) || string(e.Event.Data) != order[i] {
				t.Fatalf("offset %d is %s, heard as %s", e.Offset, e.Event.Data, order[i])
			}
		}
	})
}

func TestOrder_ATopicAboveKeepsTheOrderOfEachTopicBelow(t *testing.T) {
	const leaves, each = 10, 50
	bubble(t, Config{}, func(n *Node) {
		above := enter(t, n, words, someone("a")).subscribe(t, "t/x")
		top := enter(t, n, words, someone("b")).subscribe(t, "t")
		var wg sync.WaitGroup
		for leaf := range leaves {
			wg.Go(func() {
				for i := range each {
					r := mustPublish(t, n, fmt.Sprint("t/x/", leaf), jsonEvent(t, "", leaf*1000+i))
					if r.Delivered != 2 {
						t.Errorf("delivered to %d of 2", r.Delivered)
					}
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		for _, c := range []*client{above, top} {
			next, heard := map[int]int{}, c.heard()
			for _, said := range heard {
				var number int
				if _, err := fmt.Sscanf(said, `{"n":%d}`, &number); err != nil {
					t.Fatal(err)
				}
				if next[number/1000] != number%1000 {
					t.Fatalf("leaf %d: %d came where %d was due", number/1000, number%1000, next[number/1000])
				}
				next[number/1000]++
			}
			if len(heard) != leaves*each {
				t.Errorf("heard %d of %d", len(heard), leaves*each)
			}
		}
	})
}

// reliability.md check 27, F48, the engine's part: it runs in real time.
func TestOrder_AThousandSubscribersHearAllEventsInOrderOnce(t *testing.T) {
	const count = 1000
	events := sized(1000, 10_000)
	n := New(Config{}, anyone{}, TenantConfig{Name: "acme"})
	defer n.Close()
	var wrong atomic.Int64
	heard := [count]int{}
	var expected []string
	for i := range events {
		expected = append(expected, fmt.Sprintf(`{"n":%d}`, i))
	}
	for i := range count {
		drink(t, n, words, someone(fmt.Sprint("u", i)), func(f *outbox.Frame) {
			if f.Op != outbox.Text {
				return
			}
			if heard[i] >= events || string(f.Data) != expected[heard[i]] {
				wrong.Add(1)
			}
			heard[i]++
		}, "room")
	}
	start := time.Now()
	for i := range events {
		if r := mustPublish(t, n, "room", jsonEvent(t, "", i)); r.Delivered != count {
			t.Fatalf("event %d reached %d of %d", i, r.Delivered, count)
		}
	}
	t.Logf("%d x %d in %s", events, count, time.Since(start))
	if wrong.Load() != 0 {
		t.Errorf("%d events were out of order", wrong.Load())
	}
	for i := range heard {
		if heard[i] != events {
			t.Errorf("subscriber %d heard %d of %d", i, heard[i], events)
		}
	}
}

// greeter is a session that greets and subscribes by itself; an event comes while it makes its answer.
type greeter struct {
	hand
	meanwhile func()
}

func (h *greeter) OnOpen(time.Time, uint64) []protocol.Command {
	h.meanwhile()
	return []protocol.Command{protocol.Send{Text: []byte("hello")}, protocol.Subscribe{Topic: "room"}}
}

func (h *greeter) Answer(c protocol.Command, _ protocol.Outcome) []protocol.Command {
	h.meanwhile()
	return []protocol.Command{protocol.Send{Text: fmt.Appendf(nil, "subscribed to %s", c.(protocol.Subscribe).Topic)}}
}

// Of the protocols some promise it: auth_response, or connected, is the first frame.
func TestOrder_NoEventComesBeforeTheGreetingAndNoneOfATopicBeforeItsAnswer(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c, h := &client{&tape{}, &hand{}}, &greeter{}
		h.meanwhile = func() {
			for _, to := range []Target{{Topic: "room"}, {All: true}, {Users: []string{"ann"}}} {
				if _, err := n.Publish(context.Background(), "acme", to, jsonEvent(t, "", 1)); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(time.Second) // the transport has all the time to write
		}
		if _, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: words, Session: h, Identity: someone("ann")},
			func(l *Conn) outbox.Transport { c.link = l; return c.tape }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		c.wantHeard(t, "hello", "subscribed to room", `{"n":1}`, `{"n":1}`, `{"n":1}`, `{"n":1}`, `{"n":1}`)
	})
}
