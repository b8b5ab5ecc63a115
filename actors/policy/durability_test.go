package policy

import (
	"fmt"
	"maps"
	"testing"
)

// F6: rules that say the same are the same, in whatever order tenants come; what a topic's rule leaves open is decided
// as a running node decides it.
func TestDurableTopics_AreReadAsTheyAreObeyed(t *testing.T) {
	tenants := map[string]Rules{
		"acme": {Durable: []string{"orders/*", "a*"}, List: []Rule{
			{Pattern: "orders/x", Store: InMemory}, {Pattern: "orders/y"},
			{Pattern: "alerts", Store: Durable, HistoryCount: 3},
			{Pattern: "*", Store: InMemory}}},
		"beta": {Durable: []string{"*"}},
		"none": {List: []Rule{{Pattern: "x", Store: InMemory}}},
	}
	text := DurableTopics(tenants)
	for range 20 { // a map comes in another order each time
		if other := DurableTopics(maps.Clone(tenants)); other != text {
			t.Errorf("%q and %q", text, other)
		}
	}
	read, count := matcher(text), 0
	tenants["unknown"] = Rules{}
	for tenant, rules := range tenants {
		for _, topic := range []string{
			"orders", "orders/x", "orders/x/1", "orders/y", "orders/z", "alerts", "alerts/1", "abc", "x", "$lifecycle",
		} {
			want := rules.Rule(topic).Store == Durable
			if got := read(tenant, topic); got != want {
				t.Errorf("%s of %s: %v, want %v", topic, tenant, got, want)
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
