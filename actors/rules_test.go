package actors

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/policy"
)

func TestRules_BoundATopicsHistoryAndDedupAndReachTopicsThatLive(t *testing.T) {
	bubble(t, Config{HistoryCount: 10, DedupCount: 10}, func(n *Node) {
		rule := func(rules ...policy.Rule) {
			n.SetTenant(TenantConfig{Name: "acme", Rules: policy.Rules{List: rules}})
			synctest.Wait()
		}
		remembers := func(want int) {
			t.Helper()
			page, _, err := n.Topics(context.Background(), "acme", TopicQuery{Prefix: "room"})
			if err != nil || len(page) != 1 || page[0].History != want {
				t.Errorf("%+v, %v; want a history of %d", page, err, want)
			}
		}
		rule(policy.Rule{Pattern: "room", HistoryCount: 3, DedupCount: -1})
		for i := range 6 {
			if r := mustPublish(t, n, "room", jsonEvent(t, "same", i)); r.Duplicate {
				t.Error("an id was recognised without a window")
			}
		}
		remembers(3)
		rule(policy.Rule{Pattern: "room", HistoryAge: time.Minute})
		for i := range 12 {
			mustPublish(t, n, "room", jsonEvent(t, fmt.Sprint(i), i))
		}
		remembers(10)
		if r := mustPublish(t, n, "room", jsonEvent(t, "11", 0)); !r.Duplicate {
			t.Error("an id was not recognised")
		}
		rule(policy.Rule{Pattern: "room", HistoryCount: 2, HistoryAge: time.Minute})
		mustPublish(t, n, "room", jsonEvent(t, "", 0))
		remembers(2)
		time.Sleep(2 * time.Minute)
		remembers(0)
	})
}
