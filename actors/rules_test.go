package actors

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestRules_TheFirstThatCoversATopicIsItsRuleAndTheListsSayWhatItLeavesOpen(t *testing.T) {
	r := &Rules{List: []TopicRule{{Pattern: "a/1", HistoryCount: 5}, {Pattern: "a/*", Slow: Conflate, Store: InMemory}, {Pattern: "b*", HistoryCount: -1}},
		Durable: []string{"a", "b/x"}, Sync: SyncInterval}
	for topic, want := range map[string]TopicRule{
		"a/1":   {Pattern: "a/1", HistoryCount: 5, Store: Durable, Sync: SyncInterval, Slow: Disconnect},
		"a/1/x": {Pattern: "a/1", HistoryCount: 5, Store: Durable, Sync: SyncInterval, Slow: Disconnect},
		"a/2":   {Pattern: "a/*", Store: InMemory, Sync: SyncInterval, Slow: Conflate},
		"a":     {Store: Durable, Sync: SyncInterval, Slow: Disconnect},
		"bee":   {Pattern: "b*", HistoryCount: -1, Store: InMemory, Sync: SyncInterval, Slow: Disconnect},
		"c":     {Store: InMemory, Sync: SyncInterval, Slow: Disconnect},
	} {
		if got := r.Rule(topic); got != want {
			t.Errorf("%s: %+v, want %+v", topic, got, want)
		}
	}
	if got := (&Rules{}).Rule("x"); got != (TopicRule{Store: InMemory, Sync: SyncAlways, Slow: Disconnect}) {
		t.Errorf("without rules: %+v", got)
	}
}

func TestRules_BoundATopicsHistoryAndDedupAndReachTopicsThatLive(t *testing.T) {
	bubble(t, Config{HistoryCount: 10, DedupCount: 10}, func(n *Node) {
		rule := func(rules ...TopicRule) {
			n.SetTenant(TenantConfig{Name: "acme", Rules: Rules{List: rules}})
			synctest.Wait()
		}
		remembers := func(want int) {
			t.Helper()
			page, _, err := n.Topics(context.Background(), "acme", TopicQuery{Prefix: "room"})
			if err != nil || len(page) != 1 || page[0].History != want {
				t.Errorf("%+v, %v; want a history of %d", page, err, want)
			}
		}
		rule(TopicRule{Pattern: "room", HistoryCount: 3, DedupCount: -1})
		for i := range 6 {
			if r := mustPublish(t, n, "room", jsonEvent(t, "same", i)); r.Duplicate {
				t.Error("an id was recognised without a window")
			}
		}
		remembers(3)
		rule(TopicRule{Pattern: "room", HistoryAge: time.Minute})
		for i := range 12 {
			mustPublish(t, n, "room", jsonEvent(t, fmt.Sprint(i), i))
		}
		remembers(10)
		if r := mustPublish(t, n, "room", jsonEvent(t, "11", 0)); !r.Duplicate {
			t.Error("an id was not recognised")
		}
		rule(TopicRule{Pattern: "room", HistoryCount: 2, HistoryAge: time.Minute})
		mustPublish(t, n, "room", jsonEvent(t, "", 0))
		remembers(2)
		time.Sleep(2 * time.Minute)
		remembers(0)
	})
}
