package server

import (
	"sync/atomic"

	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/cmd/parley/config"
)

// topicRules are the rules of topics by tenant, as the configuration has them now.
type topicRules struct {
	byTenant atomic.Pointer[map[string]*policy.Set]
}

// store takes the rules of a configuration, and the numbers that hold where a rule has none.
func (t *topicRules) store(cfg *config.Config, defaults policy.Defaults) {
	all := map[string]*policy.Set{}
	for _, tenant := range cfg.Limits() {
		all[tenant.Name] = policy.NewSet(defaults, tenant.Rules)
	}
	t.byTenant.Store(&all)
}

// rule is what holds for a topic, with nothing left open; false if there is no such tenant.
func (t *topicRules) rule(tenant, topic string) (policy.Rule, bool) {
	set, ok := (*t.byTenant.Load())[tenant]
	if !ok {
		return policy.Rule{}, false
	}
	return set.For(topic).Rule, true
}
