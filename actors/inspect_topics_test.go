package actors

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func TestTopics_ArePagedByNameAndPrefix(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("a"))
		var all []string
		for i := range 25 {
			all = append(all, fmt.Sprintf("t/%02d", i))
			mustPublish(t, n, all[i], jsonEvent(t, "", i))
		}
		c.subscribe(t, "t/03", "x")
		walk := func(q TopicQuery) (names []string, count int) {
			for {
				found, next, err := n.Topics(context.Background(), "acme", q)
				if err != nil {
					t.Fatal(err)
				}
				count++
				for _, topic := range found {
					names = append(names, topic.Name)
					if want := map[string]int{"t/03": 1, "x": 1}[topic.Name]; topic.Subscribers != want {
						t.Errorf("%+v", topic)
					}
					if topic.Name != "x" &&
						(topic.Position.Offset != 1 || topic.Position.Epoch == "" || topic.History != 1) {
						t.Errorf("%+v", topic)
					}
				}
				if next == "" {
					return names, count
				}
				q.Cursor = next
			}
		}
		if got, count := walk(TopicQuery{Limit: 10}); !slices.Equal(got, append(slices.Clone(all), "x")) || count != 3 {
			t.Errorf("all: %v in %d pages", got, count)
		}
		if got, count := walk(TopicQuery{Prefix: "t/", Limit: 5}); !slices.Equal(got, all) || count != 5 {
			t.Errorf("by prefix: %v in %d pages", got, count)
		}
		if got, _ := walk(TopicQuery{Prefix: "none"}); got != nil {
			t.Errorf("none: %v", got)
		}
		if got := n.Metrics().Topics; got != 26 {
			t.Errorf("%d topics are counted", got)
		}
	})
}

// reliability.md check 30, check 31, the engine's part: what a reader missed, or that it cannot have it; never a silent
// gap.
func TestHistory_GivesWhatComesAfterAPositionOrSaysThatItIsLost(t *testing.T) {
	bubble(t, Config{HistoryCount: 10, HistoryAge: time.Minute}, func(n *Node) {
		for i := range 25 {
			mustPublish(t, n, "room", jsonEvent(t, "", i+1))
		}
		ctx := context.Background()
		newest := mustPublish(t, n, "room", jsonEvent(t, "", 26)).Position
		at := func(offset uint64) protocol.Position { return protocol.Position{Epoch: newest.Epoch, Offset: offset} }
		for name, c := range map[string]struct {
			after  protocol.Position
			limit  int
			offset uint64 // of the first event
			count  int
		}{
			"from the oldest":    {protocol.Position{}, 0, 17, 10},
			"the last three":     {at(23), 0, 24, 3},
			"limited":            {at(20), 2, 21, 2},
			"nothing new":        {at(26), 0, 0, 0},
			"just all there are": {at(16), 0, 17, 10},
		} {
			page, err := n.History(ctx, "acme", "room", c.after, c.limit)
			if err != nil || len(page.Events) != c.count || page.Position != newest {
				t.Errorf("%s: %+v, %v", name, page, err)
				continue
			}
			for i, e := range page.Events {
				if want := c.offset + uint64(i); e.Offset != want ||
					string(e.Event.Data) != fmt.Sprintf(`{"n":%d}`, want) {
					t.Errorf("%s: %d is %s", name, e.Offset, e.Event.Data)
				}
			}
		}
		for name, after := range map[string]protocol.Position{
			"forgotten": at(15), "the beginning": at(0), "the future": at(27), "2^63": at(1 << 63),
			"-1":          at(math.MaxUint64),
			"wrong epoch": {Epoch: "other", Offset: 26}, "wrong epoch from 0": {Epoch: "other"},
			"no epoch": {Offset: 20},
		} {
			page, err := n.History(ctx, "acme", "room", after, 0)
			if reasonOf(err) != protocol.PositionLost || page.Position != newest || page.Events != nil {
				t.Errorf("%s: %+v, %v", name, page, err)
			}
		}
		if _, err := n.History(ctx, "acme", "none", protocol.Position{}, 0); reasonOf(err) != protocol.NotFound {
			t.Errorf("no such topic: %v", err)
		}
		for _, since := range []protocol.Position{at(20), {Epoch: "other"}, {Offset: 1}} {
			if page, err := n.History(ctx, "acme", "none", since, 0); reasonOf(err) != protocol.PositionLost ||
				page.Position != (protocol.Position{}) {
				t.Errorf("%v in a topic that is no more: %+v, %v", since, page, err)
			}
		}
		for _, bad := range []string{"", broadcastTopic, "a//b", "a/*"} {
			if _, err := n.History(ctx, "acme", bad, protocol.Position{}, 0); reasonOf(err) != protocol.Malformed {
				t.Errorf("%q: %v", bad, err)
			}
		}
		time.Sleep(time.Minute + time.Millisecond)
		if page, err := n.History(ctx, "acme", "room", at(26), 0); err != nil || len(page.Events) != 0 {
			t.Errorf("the newest position after all was forgotten: %+v, %v", page, err)
		}
		if _, err := n.History(ctx, "acme", "room", at(25), 0); reasonOf(err) != protocol.PositionLost {
			t.Errorf("a gap after all was forgotten: %v", err)
		}
	})
}
