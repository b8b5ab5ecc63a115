package actors

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

// restful lets topics rest soon.
var restful = Config{TopicIdle: time.Second, HistoryAge: time.Second}

// wantBehind fails unless reading behind a position is refused as lost, or not.
func wantBehind(t *testing.T, n *Node, topic string, at protocol.Position, lost bool) {
	t.Helper()
	page, err := n.History(context.Background(), "acme", topic, at, 100)
	if got := reasonOf(err) == protocol.PositionLost; got != lost || err != nil && !lost {
		t.Errorf("%s behind %+v: %d events, %v; want it lost: %v", topic, at, len(page.Events), err, lost)
	}
}

var onDisk = map[string]policy.Rules{
	"list": {Durable: []string{"orders", "audit"}},
	"rule": {List: []policy.Rule{{Pattern: "orders", Store: policy.Durable},
		{Pattern: "audit", Store: policy.Durable}}},
}

// F6: a topic is durable, then in memory, then durable again. What was published between is nowhere, and a reader from
// before is told, also one of a topic above and of one that nobody had published to. A topic that was durable all the
// time has lost nothing.
func TestDurable_ATopicThatWasInMemoryMeanwhileBeginsANewEpoch(t *testing.T) {
	for name, between := range map[string]policy.Rules{
		"no rule": {Durable: []string{"audit"}},
		"a rule": {List: []policy.Rule{{Pattern: "orders", Store: policy.InMemory}},
			Durable: []string{"orders", "audit"}},
		"only what below": {Durable: []string{"orders/*", "audit"}},
	} {
		for how, rules := range onDisk {
			t.Run(name+", "+how, func(t *testing.T) {
				at, fresh := map[string]protocol.Position{}, protocol.Position{}
				var audit protocol.Position
				disk := vfs.NewMem()
				runOn(t, disk, restful, rules, func(t *testing.T, n *Node) {
					at["orders/1"] = publishNumbers(t, n, "orders/1", 1, 3)
					at["orders"] = publishNumbers(t, n, "orders", 4, 4)
					audit = publishNumbers(t, n, "audit", 1, 3)
					fresh = enter(t, n, words, someone("ann")).resume("orders/new", protocol.Position{}).Position
				})
				runOn(t, disk, restful, between, func(t *testing.T, n *Node) {
					publishNumbers(t, n, "orders/1", 5, 6)
					publishNumbers(t, n, "orders/new", 7, 7)
					wantBehind(t, n, "audit", audit, false)
				})
				runOn(t, disk, restful, rules, func(t *testing.T, n *Node) {
					publishNumbers(t, n, "orders/new", 8, 9)
					publishNumbers(t, n, "orders/1", 10, 12)
					wantBehind(t, n, "orders", at["orders"], true)
					kept := name == "only what below"
					wantBehind(t, n, "orders/1", at["orders/1"], !kept)
					wantBehind(t, n, "orders/new", fresh, true)
					wantBehind(t, n, "audit", audit, false)
					page, err := n.History(context.Background(), "acme", "orders", protocol.Position{}, 3)
					if err != nil || len(page.Events) != 3 || page.Events[0].Offset != 1 {
						t.Errorf("what it remembers: %+v, %v", page, err)
					}
				})
			})
		}
	}
}

// F6: the same by reloads of the rules while the store is open. The first topic is at rest when it comes back, the
// second is open all the time and loses nothing, but its readers are told as well.
func TestDurable_ReloadsOfTheRulesBeginNewEpochs(t *testing.T) {
	rules := policy.Rules{Durable: []string{"orders"}}
	runOn(t, vfs.NewMem(), restful, rules, func(t *testing.T, n *Node) {
		at := publishNumbers(t, n, "orders/1", 1, 3)
		rest := func() { time.Sleep(time.Minute) }
		rest()
		n.SetTenant(TenantConfig{Name: "acme"})
		page, _, err := n.Topics(context.Background(), "acme", TopicQuery{Prefix: "orders/1"})
		if err != nil || len(page) != 1 {
			t.Fatal(page, err)
		}
		listed := page[0].Position
		publishNumbers(t, n, "orders/1", 4, 5)
		rest()
		n.SetTenant(TenantConfig{Name: "acme", Rules: rules})
		publishNumbers(t, n, "orders/1", 6, 7)
		wantBehind(t, n, "orders/1", at, true)
		wantBehind(t, n, "orders/1", listed, true)
		now := publishNumbers(t, n, "orders/1", 8, 8)
		n.SetTenant(TenantConfig{Name: "acme", Rules: policy.Rules{Durable: []string{"orders", "other"}}})
		publishNumbers(t, n, "orders/1", 9, 9)
		wantBehind(t, n, "orders/1", now, false)
	})
}

// F6: rules that hold while the store is still being opened, and no longer when it is open, are told to it as well.
func TestDurable_RulesThatHeldBeforeTheStoreWasOpenCount(t *testing.T) {
	disk, rules := vfs.NewMem(), policy.Rules{Durable: []string{"orders", "audit"}}
	var orders, audit protocol.Position
	runOn(t, disk, restful, rules, func(t *testing.T, n *Node) {
		orders, audit = publishNumbers(t, n, "orders", 1, 3), publishNumbers(t, n, "audit", 1, 3)
	})
	synctest.Test(t, func(t *testing.T) {
		n := New(restful, nil, TenantConfig{Name: "acme", Rules: rules})
		opening := durable.Begin("data", durable.Config{Partitions: 2, Files: disk, Reserve: 1 << 20,
			Rules: policy.DurableTopics(map[string]policy.Rules{"acme": rules})})
		n.AwaitStore(opening)
		n.SetTenant(TenantConfig{Name: "acme", Rules: policy.Rules{Durable: []string{"audit"}}})
		synctest.Wait()
		publishNumbers(t, n, "orders", 4, 5)
		time.Sleep(time.Minute) // it is at rest
		n.SetTenant(TenantConfig{Name: "acme", Rules: rules})
		store, err := opening.Wait(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if err := n.UseStore(store); err != nil {
			t.Fatal(err)
		}
		publishNumbers(t, n, "orders", 6, 7)
		wantBehind(t, n, "orders", orders, true)
		wantBehind(t, n, "audit", audit, false)
		n.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}
