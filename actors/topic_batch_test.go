package actors

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

// window is the window of these tests.
const window = 50 * time.Millisecond

// batched runs a test with a node whose topics have a window, those below "latest" one of the newest events.
func batched(t *testing.T, cfg Config, test func(n *Node)) {
	t.Helper()
	bubble(t, cfg, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "acme", Rules: windowed, Linger: cfg.Linger})
		synctest.Wait()
		test(n)
	})
}

var windowed = policy.Rules{BatchWindow: window, List: []policy.Rule{{Pattern: "latest", BatchLatest: true},
	{Pattern: "counted", BatchCount: 3}, {Pattern: "plain", BatchWindow: -1}}}

// wantIn lets time pass and compares what a client has heard in all.
func (c *client) wantIn(t testing.TB, after time.Duration, want ...string) {
	t.Helper()
	time.Sleep(after)
	synctest.Wait()
	c.wantHeard(t, want...)
}

func TestBatch_EventsWaitForTheirWindowAndLeaveInOneWrite(t *testing.T) {
	batched(t, Config{}, func(n *Node) {
		var wakes atomic.Int64
		drink(t, n, words, someone("b"), nil, "room").Outbox().Transport().(*sink).woken = func() { wakes.Add(1) }
		c := enter(t, n, words, someone("a")).subscribe(t, "room")
		synctest.Wait()
		for i := range 3 {
			r := mustPublish(t, n, "room", jsonEvent(t, "", i+1))
			if r.Delivered != 2 || r.Position.Offset != uint64(i+1) {
				t.Errorf("%+v", r)
			}
			c.wantIn(t, 10*time.Millisecond)
		}
		c.wantIn(t, window-30*time.Millisecond-1)
		c.wantIn(t, 1, countedUp(1, 3)...)
		if wakes.Load() != 1 {
			t.Errorf("the transport was woken %d times", wakes.Load())
		}
		publishNumbers(t, n, "room", 4, 4)
		c.wantIn(t, window-1, countedUp(1, 3)...)
		if f := n.Metrics(); f.Batched < 2*int64(len(`{"n":4}`)) || f.Backlog != 0 {
			t.Errorf("in the window %d bytes are batched, and %d wait", f.Batched, f.Backlog)
		}
		c.wantIn(t, 1, countedUp(1, 4)...)
		if f := n.Metrics(); f.Delivered != 8 || f.Backlog != 0 || f.Batched != 0 {
			t.Errorf("%d delivered, %d wait, %d are batched", f.Delivered, f.Backlog, f.Batched)
		}
	})
}

func TestBatch_GoesByTheRuleOfTheTopic(t *testing.T) {
	batched(t, Config{}, func(n *Node) {
		counted, plain := enter(t, n, words, someone("a")), enter(t, n, words, someone("b"))
		counted.subscribe(t, "counted")
		plain.subscribe(t, "plain")
		synctest.Wait()
		publishNumbers(t, n, "counted", 1, 3)
		publishNumbers(t, n, "plain", 1, 1)
		counted.wantIn(t, 0, countedUp(1, 3)...)
		publishNumbers(t, n, "counted", 4, 4)
		counted.wantIn(t, 0, countedUp(1, 3)...)
		plain.wantHeard(t, countedUp(1, 1)...)
		counted.wantIn(t, window, countedUp(1, 4)...)
	})
}

func TestBatch_AWindowOfOneEventIsNone(t *testing.T) {
	rules := policy.Rules{BatchWindow: window, List: []policy.Rule{{Pattern: "*", BatchCount: 1, BatchLatest: true}}}
	bubble(t, Config{}, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "acme", Rules: rules})
		synctest.Wait()
		c := enter(t, n, words, someone("a")).subscribe(t, "room")
		publishNumbers(t, n, "room", 1, 2)
		c.wantIn(t, 0, countedUp(1, 2)...)
	})
}

func TestBatch_WhoComesInMidWindowHearsNothingFromBefore(t *testing.T) {
	batched(t, Config{}, func(n *Node) {
		for _, topic := range []string{"room", "latest"} {
			early := enter(t, n, words, someone("a")).subscribe(t, topic)
			publishNumbers(t, n, topic, 1, 1)
			late := enter(t, n, words, someone("b")).subscribe(t, topic)
			late.wantIn(t, window)
			early.wantHeard(t, countedUp(1, 1)...)
			publishNumbers(t, n, topic, 2, 2)
			late.wantIn(t, window, countedUp(2, 2)...)
			early.wantHeard(t, countedUp(1, 2)...)
		}
	})
}

// A client that goes by the position of an answer has heard what came before it.
func TestBatch_AnAnswerWithAPositionEndsTheWindow(t *testing.T) {
	batched(t, Config{}, func(n *Node) {
		a, b := enter(t, n, words, someone("a")).subscribe(t, "latest"), enter(t, n, words, someone("b"))
		synctest.Wait()
		publishNumbers(t, n, "latest", 1, 1)
		a.wantIn(t, 0)
		for _, c := range []*client{a, b} {
			if out := c.do(protocol.Subscribe{Topic: "latest"}); out[0].Err != nil || out[0].Position.Offset != 1 {
				t.Errorf("%+v", out)
			}
		}
		a.wantIn(t, 0, countedUp(1, 1)...)
		b.wantIn(t, window)
	})
}

func TestBatch_ATopicAboveHearsByTheRuleOfTheTopicBelowAndInOrder(t *testing.T) {
	rules := policy.Rules{List: []policy.Rule{{Pattern: "t/slow", BatchWindow: window},
		{Pattern: "t/latest", BatchWindow: window, BatchLatest: true}}}
	bubble(t, Config{}, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "acme", Rules: rules})
		synctest.Wait()
		c := enter(t, n, words, someone("a")).subscribe(t, "t")
		synctest.Wait()
		publishNumbers(t, n, "t/slow", 1, 2)
		publishNumbers(t, n, "t/latest", 3, 4)
		c.wantIn(t, 0)
		publishNumbers(t, n, "t/fast", 5, 5) // does not wait, and does not overtake
		c.wantIn(t, 0, `{"n":1}`, `{"n":2}`, `{"n":4}`, `{"n":5}`)
		publishNumbers(t, n, "t/latest", 6, 6)
		publishNumbers(t, n, "t/slow", 7, 7)
		c.wantIn(t, window, `{"n":1}`, `{"n":2}`, `{"n":4}`, `{"n":5}`, `{"n":6}`, `{"n":7}`)
	})
}

func TestBatch_LatestTellsTheNewestOfEachKeyAndCountsTheRestAsStale(t *testing.T) {
	batched(t, Config{}, func(n *Node) {
		a := enter(t, n, words, someone("a")).subscribe(t, "latest")
		b := enter(t, n, words, someone("b")).subscribe(t, "latest")
		for i := range 100 { // more than batch_count: those that are left out do not wait
			r := mustPublish(t, n, "latest", keyed(t, fmt.Sprint("k", i%3), i))
			if r.Delivered != 2 || r.Position.Offset != uint64(i+1) {
				t.Errorf("%+v", r)
			}
		}
		a.wantIn(t, window-1) // nothing
		a.wantIn(t, 1, `{"n":97}`, `{"n":98}`, `{"n":99}`)
		b.wantHeard(t, `{"n":97}`, `{"n":98}`, `{"n":99}`)
		if f := n.Metrics(); f.Drops[protocol.Stale] != 2*97 || f.Delivered != 2*3 {
			t.Errorf("%d delivered, %d stale", f.Delivered, f.Drops[protocol.Stale])
		}
		page, err := n.History(context.Background(), "acme", "latest", protocol.Position{}, info.MaxPage)
		if err != nil || len(page.Events) != 100 {
			t.Errorf("the history has %d, %v", len(page.Events), err)
		}
	})
}

// Whatever ends a subscription or a connection in the middle of a window, and whatever its topic does: the publisher
// was told that the event is heard.
func TestBatch_NothingIsLostInTheMiddleOfAWindow(t *testing.T) {
	for name, end := range map[string]func(n *Node, c *client, topic string){
		"disconnected": func(n *Node, c *client, _ string) { n.Disconnect("acme", c.link.ID(), 0, "") },
		"with a code":  func(n *Node, c *client, _ string) { n.Disconnect("acme", c.link.ID(), 4000, "") },
		"user kicked": func(n *Node, _ *client, _ string) {
			n.DisconnectUser(context.Background(), "acme", "a", 0, "")
		},
		"unsubscribed":   func(_ *Node, c *client, topic string) { c.do(protocol.Unsubscribe{Topic: topic}) },
		"answered":       func(_ *Node, c *client, _ string) { c.do(protocol.Send{Text: []byte("pong")}) },
		"drained":        func(n *Node, _ *client, _ string) { n.Drain(context.Background()) },
		"tenant drained": func(n *Node, _ *client, _ string) { n.DrainTenant(context.Background(), "acme") },
		"suspended":      func(n *Node, _ *client, _ string) { n.SuspendTenant("acme", true) },
		"restarted":      func(n *Node, _ *client, _ string) { n.RestartTenant(context.Background(), "acme") },
		"finished": func(_ *Node, c *client, _ string) {
			c.link.Finish(protocol.Disconnected, func() { c.take() })
		},
		"other filters": func(_ *Node, c *client, topic string) {
			c.do(protocol.Subscribe{Topic: topic, Filter: every(time.Hour)})
		},
		"crashed":  func(n *Node, _ *client, topic string) { crashTopic(n, topic) },
		"reloaded": func(n *Node, _ *client, _ string) { n.SetTenant(TenantConfig{Name: "acme"}) },
		"read history": func(n *Node, _ *client, topic string) {
			n.History(context.Background(), "acme", topic, protocol.Position{}, 1)
		},
	} {
		for _, topic := range []string{"room", "latest"} {
			t.Run(name+" "+topic, func(t *testing.T) {
				batched(t, Config{}, func(n *Node) {
					c := enter(t, n, words, someone("a")).subscribe(t, topic)
					synctest.Wait()
					want := []string{`{"n":1}`, `{"n":2}`}
					for i, key := range []string{"x", "y"} {
						if r := mustPublish(t, n, topic, keyed(t, key, i+1)); r.Delivered != 1 {
							t.Errorf("%+v", r)
						}
					}
					c.wantIn(t, window/2)
					end(n, c, topic)
					time.Sleep(window)
					synctest.Wait()
					heard := slices.DeleteFunc(c.heard(), func(said string) bool { return said == "pong" })
					if len(heard) < 2 || !slices.Equal(heard[:2], want) {
						t.Errorf("heard %q", heard)
					}
					if f := n.Metrics(); f.Backlog != 0 || n.backlog.Batched() != 0 {
						t.Errorf("%d bytes wait, %d are batched", f.Backlog, n.backlog.Batched())
					}
				})
			})
		}
	}
}

func TestBatch_AClientThatComesBackHearsItsWindowOnce(t *testing.T) {
	for _, topic := range []string{"room", "latest"} {
		batched(t, lingering, func(n *Node) {
			c := comeBack(t, n, words, someone("ann"), "tab").subscribe(t, topic)
			mustPublish(t, n, topic, keyed(t, "x", 1))
			mustPublish(t, n, topic, keyed(t, "y", 2))
			c.lose()
			mustPublish(t, n, topic, keyed(t, "x", 3))
			time.Sleep(window / 2)
			again := comeBack(t, n, words, someone("ann"), "tab")
			mustPublish(t, n, topic, keyed(t, "z", 4))
			again.wantIn(t, window, countedUp(1, 4)...)
			if i := again.told(t); i.Missed != 0 {
				t.Errorf("%s: %+v", topic, i)
			}
			c.wantHeard(t)
		})
	}
}

func TestBatch_AFailureInTheMiddleOfAWindowsEndLosesNothingAndTellsNothingTwice(t *testing.T) {
	batched(t, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("a")).subscribe(t, "latest")
		mustPublish(t, n, "latest", keyed(t, "x", 1))
		mustPublish(t, n, "latest", keyed(t, "y", 2))
		crashTopic(n, "latest")
		mustPublish(t, n, "latest", keyed(t, "x", 3))
		c.wantIn(t, window, countedUp(1, 3)...)
	})
}

func TestBatch_ADurableEventIsOnDiskAndAnsweredBeforeItsWindowEnds(t *testing.T) {
	disk, rules := vfs.NewMem(), windowed
	rules.Durable = []string{"room"}
	for life := range 2 {
		runOn(t, disk, Config{}, rules, func(t *testing.T, n *Node) {
			c := enter(t, n, words, someone("a")).subscribe(t, "room")
			synctest.Wait()
			start := time.Now()
			r := mustPublish(t, n, "room", jsonEvent(t, "", life))
			if r.Position.Offset != uint64(life+1) || r.Delivered != 1 || time.Since(start) >= window {
				t.Errorf("after %s: %+v", time.Since(start), r)
			}
			c.wantIn(t, 0)
			c.wantIn(t, window, fmt.Sprintf(`{"n":%d}`, life))
		})
	}
}

func TestBatch_TheServersOwnAndEventsToUsersDoNotWait(t *testing.T) {
	batched(t, Config{}, func(n *Node) {
		if ways := probed(t, n); ways != nil {
			t.Errorf("nothing gets through %q", ways)
		}
		c := enter(t, n, words, someone("a"))
		synctest.Wait()
		for _, to := range []Target{{Users: []string{"a"}}, {All: true}} {
			if _, err := n.Publish(context.Background(), "acme", to, jsonEvent(t, "", 1)); err != nil {
				t.Fatal(err)
			}
		}
		c.wantIn(t, 0, `{"n":1}`, `{"n":1}`)
	})
}

// A topic with a window keeps the memory of an idle topic.
func TestBatch_ATopicStopsWithItsWindow(t *testing.T) {
	batched(t, Config{TopicIdle: time.Second}, func(n *Node) {
		c := enter(t, n, words, someone("a")).subscribe(t, "room")
		publishNumbers(t, n, "room", 1, 1)
		c.do(protocol.Unsubscribe{Topic: "room"})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if topics := n.tenant("acme").topicsMade.Load(); topics != 0 {
			t.Errorf("%d topics", topics)
		}
	})
}

// engine.write_delay: a client of 50 quiet topics gets one write.
func TestWriteDelay_EventsOfAllTopicsLeaveInOneWriteAndAnswersAtOnce(t *testing.T) {
	bubble(t, Config{WriteDelay: 20 * time.Millisecond}, func(n *Node) {
		var wakes, heard atomic.Int64
		var topics []string
		for i := range 50 {
			topics = append(topics, fmt.Sprint("t/", i))
		}
		drink(t, n, words, someone("b"), func(*outbox.Frame) { heard.Add(1) }, topics...).Outbox().
			Transport().(*sink).woken = func() { wakes.Add(1) }
		synctest.Wait()
		heard.Store(0)
		for i, topic := range topics {
			if r := mustPublish(t, n, topic, jsonEvent(t, "", i)); r.Delivered != 1 {
				t.Errorf("%+v", r)
			}
		}
		to := Target{Users: []string{"b"}}
		if _, err := n.Publish(context.Background(), "acme", to, jsonEvent(t, "", 50)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20*time.Millisecond - 1)
		synctest.Wait()
		if wakes.Load() != 0 {
			t.Error("the transport was woken early")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if wakes.Load() != 1 || heard.Load() != 51 {
			t.Errorf("woken %d times for %d events", wakes.Load(), heard.Load())
		}
		c := enter(t, n, words, someone("c")).subscribe(t, "room")
		synctest.Wait()
		publishNumbers(t, n, "room", 1, 1)
		c.do(protocol.Send{Text: []byte("pong")})
		c.wantIn(t, 0, "pong", `{"n":1}`)
		if ways := probed(t, n); ways != nil {
			t.Errorf("nothing gets through %q", ways)
		}
	})
}
