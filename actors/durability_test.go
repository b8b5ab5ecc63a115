package actors

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/actors/durable"
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

var onDisk = map[string]Rules{
	"list": {Durable: []string{"orders", "audit"}},
	"rule": {List: []TopicRule{{Pattern: "orders", Store: Durable}, {Pattern: "audit", Store: Durable}}},
}

// F6: a topic is durable, then in memory, then durable again. What was published between is nowhere, and a reader from
// before is told, also one of a topic above and of one that nobody had published to. A topic that was durable all the time
// has lost nothing.
func TestDurable_ATopicThatWasInMemoryMeanwhileBeginsANewEpoch(t *testing.T) {
	for name, between := range map[string]Rules{
		"no rule":         {Durable: []string{"audit"}},
		"a rule":          {List: []TopicRule{{Pattern: "orders", Store: InMemory}}, Durable: []string{"orders", "audit"}},
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
					if page, err := n.History(context.Background(), "acme", "orders", protocol.Position{}, 3); err != nil || len(page.Events) != 3 || page.Events[0].Offset != 1 {
						t.Errorf("what it remembers: %+v, %v", page, err)
					}
				})
			})
		}
	}
}

// F6: the same by reloads of the rules while the store is open. The first topic is at rest when it comes back, the second
// is open all the time and loses nothing, but its readers are told as well.
func TestDurable_ReloadsOfTheRulesBeginNewEpochs(t *testing.T) {
	rules := Rules{Durable: []string{"orders"}}
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
		n.SetTenant(TenantConfig{Name: "acme", Rules: Rules{Durable: []string{"orders", "other"}}})
		publishNumbers(t, n, "orders/1", 9, 9)
		wantBehind(t, n, "orders/1", now, false)
	})
}

// F6: rules that hold while the store is still being opened, and no longer when it is open, are told to it as well.
func TestDurable_RulesThatHeldBeforeTheStoreWasOpenCount(t *testing.T) {
	disk, rules := vfs.NewMem(), Rules{Durable: []string{"orders", "audit"}}
	var orders, audit protocol.Position
	runOn(t, disk, restful, rules, func(t *testing.T, n *Node) {
		orders, audit = publishNumbers(t, n, "orders", 1, 3), publishNumbers(t, n, "audit", 1, 3)
	})
	synctest.Test(t, func(t *testing.T) {
		n := New(restful, nil, TenantConfig{Name: "acme", Rules: rules})
		opening := durable.Begin("data", durable.Config{Partitions: 2, Files: disk, Reserve: 1 << 20, Rules: DurableTopics([]TenantConfig{{Name: "acme", Rules: rules}})})
		n.Await(opening)
		n.SetTenant(TenantConfig{Name: "acme", Rules: Rules{Durable: []string{"audit"}}})
		synctest.Wait()
		publishNumbers(t, n, "orders", 4, 5)
		time.Sleep(time.Minute) // it is at rest
		n.SetTenant(TenantConfig{Name: "acme", Rules: rules})
		store, err := opening.Wait(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Keep(store); err != nil {
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

// F6: rules that say the same are the same, in whatever order tenants come; what a topic's rule leaves open is decided as
// a running node decides it.
func TestDurableTopics_AreReadAsTheyAreObeyed(t *testing.T) {
	tenants := []TenantConfig{
		{Name: "acme", Rules: Rules{Durable: []string{"orders/*", "a*"}, List: []TopicRule{
			{Pattern: "orders/x", Store: InMemory}, {Pattern: "orders/y"}, {Pattern: "alerts", Store: Durable, HistoryCount: 3}, {Pattern: "*", Store: InMemory}}}},
		{Name: "beta", Rules: Rules{Durable: []string{"*"}}},
		{Name: "none", Rules: Rules{List: []TopicRule{{Pattern: "x", Store: InMemory}}}},
	}
	text := DurableTopics(tenants)
	slices.Reverse(tenants)
	if other := DurableTopics(tenants); other != text {
		t.Errorf("%q and %q", text, other)
	}
	read, count := covers(text), 0
	for _, tenant := range append(tenants, TenantConfig{Name: "unknown"}) {
		for _, topic := range []string{"orders", "orders/x", "orders/x/1", "orders/y", "orders/z", "alerts", "alerts/1", "abc", "x", "$lifecycle"} {
			want := tenant.Rules.Rule(topic).Store == Durable
			if got := read(tenant.Name, topic); got != want {
				t.Errorf("%s of %s: %v, want %v", topic, tenant.Name, got, want)
			}
			if want {
				count++
			}
		}
	}
	if count < 5 {
		t.Error(fmt.Sprint("only ", count, " are durable at all"))
	}
}
