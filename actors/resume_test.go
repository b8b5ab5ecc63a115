package actors

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// countedUp are the events {"n":from} to {"n":to} as they are heard.
func countedUp(from, to int) (all []string) {
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprintf(`{"n":%d}`, i))
	}
	return all
}

// publishNumbers publishes the events from to to.
func publishNumbers(t testing.TB, n *Node, topic string, from, to int) (last protocol.Position) {
	t.Helper()
	for i := from; i <= to; i++ {
		last = mustPublish(t, n, topic, jsonEvent(t, "", i)).Position
	}
	return last
}

// resume subscribes to a topic from a position and returns the outcome.
func (c *client) resume(topic string, since protocol.Position) protocol.Outcome {
	return c.do(protocol.Subscribe{Topic: topic, Since: since})[0]
}

// reliability.md check 30: disconnected for 0.1, 5 and 60 s, by position.
func TestResume_WhatWasMissedComesOnceAndBeforeWhatIsNew(t *testing.T) {
	for _, away := range []time.Duration{100 * time.Millisecond, 5 * time.Second, time.Minute} {
		t.Run(away.String(), func(t *testing.T) {
			bubble(t, Config{}, func(n *Node) {
				c := enter(t, n, words, someone("ann")).subscribe(t, "room")
				at := publishNumbers(t, n, "room", 1, 3)
				synctest.Wait()
				c.wantHeard(t, countedUp(1, 3)...)
				c.link.Gone(protocol.Lost)
				synctest.Wait()
				publishNumbers(t, n, "room", 4, 6)
				time.Sleep(away)
				publishNumbers(t, n, "room", 7, 8)
				again := enter(t, n, words, someone("ann"))
				out := again.resume("room", at)
				if out.Err != nil || out.Position != (protocol.Position{Epoch: at.Epoch, Offset: 8}) {
					t.Fatalf("resumed: %+v", out)
				}
				publishNumbers(t, n, "room", 9, 10)
				synctest.Wait()
				again.wantHeard(t, countedUp(4, 10)...)
			})
		})
	}
}

// reliability.md check 31: a position that cannot be had is said, and nothing is subscribed to.
func TestResume_APositionThatCannotBeHadIsLostAndNeverASilentGap(t *testing.T) {
	bubble(t, Config{HistoryCount: 5}, func(n *Node) {
		at := publishNumbers(t, n, "room", 1, 20)
		for name, since := range map[string]protocol.Position{
			"beyond the history": {Epoch: at.Epoch, Offset: 14}, "the beginning": {Epoch: at.Epoch},
			"another epoch": {Epoch: "another", Offset: 18},
			"no epoch":      {Offset: 18}, "the future": {Epoch: at.Epoch, Offset: 21},
			"2^63": {Epoch: at.Epoch, Offset: 1 << 63}, "-1": {Epoch: at.Epoch, Offset: ^uint64(0)},
		} {
			c := enter(t, n, words, someone("ann"))
			if out := c.resume("room", since); reasonOf(out.Err) != protocol.PositionLost ||
				!strings.Contains(out.Err.Detail, "reaches from offset 16 to 20") {
				t.Errorf("%s: %+v", name, out)
			}
			if got := c.told(t).Subscriptions; len(got) != 0 {
				t.Errorf("%s: subscribed to %q", name, got)
			}
			c.link.Gone(protocol.Disconnected)
			synctest.Wait()
			c.wantHeard(t)
		}
		for name, c := range map[string]struct {
			since uint64
			want  []string
		}{"the oldest": {15, countedUp(16, 20)}, "the newest": {20, nil}} {
			back := enter(t, n, words, someone("ann"))
			if out := back.resume("room", protocol.Position{Epoch: at.Epoch, Offset: c.since}); out.Err != nil {
				t.Errorf("%s: %v", name, out.Err)
			}
			synctest.Wait()
			back.wantHeard(t, c.want...)
		}
		gone := enter(t, n, words, someone("ann"))
		if out := gone.resume("never made", at); reasonOf(out.Err) != protocol.PositionLost {
			t.Errorf("a topic that was not there: %+v", out)
		}
	})
}

// reliability.md check 32, scaled: 50 clients, 20 rounds, while 500 events a second are published.
func TestResume_WhilePublishesGoOnThereIsNoGapAndNoDuplicate(t *testing.T) {
	const clients, rounds = 50, 20
	bubble(t, Config{HistoryCount: 100_000, HistoryBytes: 64 << 20}, func(n *Node) {
		first := publishNumbers(t, n, "room", 1, 1)
		stop, published := make(chan struct{}), 1
		var publisher, readers sync.WaitGroup
		publisher.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(2 * time.Millisecond):
					published++
					mustPublish(t, n, "room", jsonEvent(t, "", published))
				}
			}
		})
		heard := make([][]string, clients)
		for i := range clients {
			readers.Go(func() {
				at := first
				for round := range rounds {
					c := enter(t, n, words, someone(fmt.Sprint("u", i)))
					if out := c.resume("room", at); out.Err != nil {
						t.Errorf("client %d, round %d: %v", i, round, out.Err)
						return
					}
					time.Sleep(time.Duration(i+round*7) * time.Millisecond)
					c.link.Gone(protocol.Lost)
					eventually(t, "its link is out", func() bool { return c.link.flags.has(isOut) })
					got := c.heard()
					heard[i] = append(heard[i], got...)
					at.Offset += uint64(len(got))
					time.Sleep(time.Duration((i*13+round)%40) * time.Millisecond)
				}
			})
		}
		readers.Wait()
		close(stop)
		publisher.Wait()
		for i, got := range heard {
			if want := countedUp(2, len(got)+1); len(got) < 500 || !slices.Equal(got, want) {
				t.Errorf("client %d heard %d events, not %s to %s in order", i, len(got), want[0], want[len(want)-1])
			}
		}
	})
}

func TestResume_OfATopicThatIsHeardIsAConflictAndChangesNothing(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		at := publishNumbers(t, n, "a/b", 1, 1)
		c := enter(t, n, words, someone("ann")).subscribe(t, "a")
		for _, topic := range []string{"a", "a/b"} {
			if out := c.resume(topic, protocol.Position{Epoch: at.Epoch}); reasonOf(out.Err) != protocol.Conflict {
				t.Errorf("%s: %+v", topic, out)
			}
		}
		c.do(protocol.Unsubscribe{Topic: "a"})
		if out := c.resume("a/b", protocol.Position{Epoch: at.Epoch}); out.Err != nil {
			t.Errorf("after it was unsubscribed: %v", out.Err)
		}
		publishNumbers(t, n, "a/b", 2, 2)
		synctest.Wait()
		c.wantHeard(t, countedUp(1, 2)...)
	})
}

func TestResume_ReplaysWhatTheFilterLeavesAndTheLatestOfWhatIsWantedEverySoOften(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		at := mustPublish(t, n, "telemetry/7", metrics(t, "7", `"temp":0`)).Position
		for i := 1; i <= 3; i++ {
			mustPublish(t, n, "telemetry/7", metrics(t, "7", fmt.Sprintf(`"temp":%d,"wet":%d`, i, i)))
		}
		mustPublish(t, n, "telemetry/7", metrics(t, "7", `"wet":4`))
		view := protocol.Filter{View: protocol.Project([]string{"temp"})}
		all, latest := enter(t, n, words, someone("a")), enter(t, n, words, someone("b"))
		slow := protocol.Filter{Every: time.Hour}
		for c, f := range map[*client]protocol.Filter{all: view, latest: slow} {
			if out := c.do(protocol.Subscribe{Topic: "telemetry/7", Filter: f, Since: at}); out[0].Err != nil {
				t.Fatal(out[0].Err)
			}
		}
		synctest.Wait()
		if got := all.heard(); len(got) < 3 ||
			!slices.Equal(got[:3], []string{"telemetry/7 temp=1", "telemetry/7 temp=2", "telemetry/7 temp=3"}) {
			t.Errorf("with a view: %q", got)
		}
		latest.wantHeard(t, "telemetry/7 temp=3 wet=4")
	})
}

func TestResume_OfMoreThanMayWaitIsRefusedAndTheConnectionStays(t *testing.T) {
	bubble(t, Config{QueueFrames: 10}, func(n *Node) {
		at := publishNumbers(t, n, "room", 1, 1)
		publishNumbers(t, n, "room", 2, 20)
		c := enter(t, n, words, someone("ann"))
		if out := c.resume("room", at); reasonOf(out.Err) != protocol.PositionLost ||
			!strings.Contains(out.Err.Detail, "19 events") {
			t.Errorf("%+v", out)
		}
		if out := c.resume("room", protocol.Position{Epoch: at.Epoch, Offset: 12}); out.Err != nil {
			t.Errorf("what fits: %v", out.Err)
		}
		synctest.Wait()
		c.wantHeard(t, countedUp(13, 20)...)
	})
}
