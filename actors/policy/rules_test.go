package policy

import (
	"testing"
)

func TestRules_TheFirstThatCoversATopicIsItsRuleAndTheListsSayWhatItLeavesOpen(t *testing.T) {
	r := &Rules{
		List: []Rule{
			{Pattern: "a/1", HistoryCount: 5}, {Pattern: "a/*", Slow: Conflate, Store: InMemory},
			{Pattern: "b*", HistoryCount: -1},
		},
		Durable: []string{"a", "b/x"}, Sync: SyncInterval,
	}
	for topic, want := range map[string]Rule{
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
	if got := (&Rules{}).Rule("x"); got != (Rule{Store: InMemory, Sync: SyncAlways, Slow: Disconnect}) {
		t.Errorf("without rules: %+v", got)
	}
}
