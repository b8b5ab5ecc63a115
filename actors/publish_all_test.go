package actors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/parley-realtime/parley/protocol"
)

// Events that are published in one go keep their order and get answers in their order, however few or many hear them.
func TestPublishAll_KeepsTheOrderOfEventsAndOfAnswers(t *testing.T) {
	const count = 3*pipelineDepth + 7
	for _, subscribers := range []int{0, 1, 10} {
		bubble(t, Config{HistoryCount: count, HistoryBytes: 1 << 20}, func(n *Node) {
			var all []*client
			for i := range subscribers {
				all = append(all, enter(t, n, words, someone(fmt.Sprint("u", i))).subscribe(t, "room"))
			}
			var events []*protocol.Event
			for i := range count {
				events = append(events, jsonEvent(t, fmt.Sprint("id-", i), i))
			}
			events[count-1] = events[5] // seen before
			answered := 0
			n.PublishAll(context.Background(), "acme", Target{Topic: "room"}, events, func(r Receipt, err error) {
				want := Receipt{ID: events[answered].ID, Topic: "room", Delivered: subscribers}
				want.Position.Epoch, want.Position.Offset = r.Position.Epoch, uint64(answered+1)
				if answered == count-1 {
					want.Position.Offset, want.Duplicate = 6, true
				}
				if answered++; err != nil || r != want {
					t.Errorf("answer %d: %+v, %v", answered, r, err)
				}
			})
			synctest.Wait()
			if answered != count {
				t.Errorf("%d answers", answered)
			}
			for _, c := range all {
				heard := c.heard()
				if len(heard) != count-1 {
					t.Fatalf("%d were heard", len(heard))
				}
				for i, text := range heard {
					if text != string(events[i].Data) {
						t.Errorf("event %d was heard as %s", i, text)
					}
				}
			}
			if m := n.Metrics(); m.Published != count-1 || m.Duplicates != 1 {
				t.Errorf("published %d, duplicates %d", m.Published, m.Duplicates)
			}
		})
	}
}

// The tenant makes a topic for the first event. The next ones may find the topic before the first has come there.
func TestPublishAll_KeepsTheOrderAtATopicThatHasToBeMade(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		var events []*protocol.Event
		for i := range pipelineDepth {
			events = append(events, jsonEvent(t, "", i))
		}
		for topic := range 100 {
			want := uint64(0)
			to := Target{Topic: fmt.Sprint("new-", topic)}
			n.PublishAll(context.Background(), "acme", to, events, func(r Receipt, err error) {
				if want++; err != nil || r.Position.Offset != want {
					t.Fatalf("%s: answer %d: %+v, %v", to.Topic, want, r, err)
				}
			})
		}
	})
}

// Each event that is refused, or that comes too late to be tried, gets its own error; the others are published.
func TestPublishAll_SaysOfEachEventWhatBecameOfIt(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		events := []*protocol.Event{jsonEvent(t, "", 1), jsonEvent(t, "", 2)}
		n.PublishAll(context.Background(), "nobody", Target{Topic: "room"}, events, func(_ Receipt, err error) {
			if reasonOf(err) != protocol.NotFound {
				t.Errorf("an unknown tenant: %v", err)
			}
		})
		ctx, cancel := context.WithCancel(context.Background())
		answered := 0
		n.PublishAll(ctx, "acme", Target{Topic: "room"}, slices.Repeat(events, 50), func(r Receipt, err error) {
			cancel() // the first answers come when 32 events were sent
			if answered++; answered <= pipelineDepth && err != nil ||
				answered > pipelineDepth && !errors.Is(err, context.Canceled) {
				t.Errorf("answer %d: %+v, %v", answered, r, err)
			}
		})
		if m := n.Metrics(); answered != 100 || m.Published != pipelineDepth {
			t.Errorf("%d answers, %d published", answered, m.Published)
		}
	})
}
