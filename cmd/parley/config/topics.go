package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/transport/auth"
)

// Topics say what holds for which topic, in all tenants; the rules of a tenant come before these.
type Topics struct {
	Durable []string      `yaml:"durable" env:"DURABLE" unit:"patterns"`
	Sync    string        `yaml:"sync" env:"SYNC" envDefault:"always" unit:"always|interval"`
	Slow    string        `yaml:"slow" env:"SLOW" envDefault:"disconnect" unit:"disconnect|drop-oldest|conflate"`
	Rules   []policy.Rule `yaml:"rules" env:"-"`
}

// Limits are the settings of each tenant for the engine.
func (c *Config) Limits() []actors.TenantConfig {
	all := make([]actors.TenantConfig, len(c.Tenants))
	for i := range c.Tenants {
		t := &c.Tenants[i]
		all[i] = actors.TenantConfig{Name: t.Name, Connections: t.Connections, Linger: t.Linger,
			Lifecycle: t.Lifecycle.limits(), Rates: merge(t.Rates, c.Rates), Rules: policy.Rules{
				List: slices.Concat(t.TopicRules, c.TopicRules, c.Topics.Rules), Durable: c.Topics.Durable,
				Sync: c.Topics.Sync,
				Slow: c.Topics.Slow,
			}}
	}
	return all
}

// merge fills the rates that a tenant leaves open with those for all; -1 is no limit, whatever holds for all.
func merge(own, all limit.RateLimits) limit.RateLimits {
	eachRate(&own, &all, "", func(_ string, mine, everyones *int) {
		if *mine == 0 {
			*mine = *everyones
		}
		*mine = max(*mine, 0)
	})
	return own
}

// eachRate calls do for each number of two sets of rates.
func eachRate(a, b *limit.RateLimits, key string, do func(key string, a, b *int)) {
	var walk func(a, b reflect.Value, key string)
	walk = func(a, b reflect.Value, key string) {
		if a.Kind() == reflect.Int {
			do(key, a.Addr().Interface().(*int), b.Addr().Interface().(*int))
			return
		}
		for i := range a.NumField() {
			name := key
			if tag := a.Type().Field(i).Tag.Get("yaml"); tag != inline {
				name = join(key, tag)
			}
			walk(a.Field(i), b.Field(i), name)
		}
	}
	walk(reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem(), key)
}

func (l *Result) checkTopics() {
	t := &l.Config.Topics
	for i, pattern := range t.Durable {
		if err := checkPattern(pattern); err != nil {
			key := fmt.Sprintf("topics.durable[%d]", i)
			if l.origins["topics.durable"] != "" {
				key = "topics.durable"
			}
			l.addProblem(key, err.Error())
		}
	}
	l.oneOf("topics.sync", t.Sync, policy.SyncAlways, policy.SyncInterval)
	l.oneOf("topics.slow", t.Slow, policy.Disconnect, policy.DropOldest, policy.Conflate)
	l.checkRules(l.Config.TopicRules, "topic_rules")
	l.checkRules(t.Rules, "topics.rules")
	if _, ok := l.lines["topics.rules"]; ok {
		l.addWarning("topics.rules", "has a newer name, topic_rules, as those of a tenant have; both are obeyed")
	}
	l.checkStore()
}

// HasDurableTopics reports whether any topic is to be durable.
func (c *Config) HasDurableTopics() bool {
	isDurable := func(r policy.Rule) bool { return r.Store == policy.Durable }
	return len(c.Topics.Durable) > 0 || slices.ContainsFunc(slices.Concat(c.TopicRules, c.Topics.Rules), isDurable) ||
		slices.ContainsFunc(c.Tenants, func(t Tenant) bool { return slices.ContainsFunc(t.TopicRules, isDurable) })
}

func (l *Result) checkStore() {
	c := &l.Config
	if c.HasDurableTopics() && c.Data == "" {
		l.addProblem("data", "is missing: there are durable topics; name a directory for them (--data DIR)")
	}
	if c.Store.Partitions < 1 || c.Store.Partitions > durable.MaxPartitions {
		l.addProblem("store.slots", fmt.Sprintf("must be 1 to %d", durable.MaxPartitions))
	}
	for key, every := range map[string]time.Duration{"sync_every": c.Store.SyncEvery,
		"sweep_every": c.Store.RetentionEvery,
		"forget":      c.Store.Forget} {
		if every <= 0 {
			l.addProblem("store."+key, "must be more than 0s")
		}
	}
}

func (l *Result) checkRules(rules []policy.Rule, key string) {
	for i := range rules {
		l.checkRule(&rules[i], fmt.Sprintf("%s[%d]", key, i))
	}
}

func (l *Result) checkRule(r *policy.Rule, key string) {
	if r.Pattern == "" {
		l.addProblem(key+".pattern", "is missing: the topics concerned, such as telemetry/*")
	} else if err := checkPattern(r.Pattern); err != nil {
		l.addProblem(key+".pattern", err.Error())
	}
	for _, word := range []struct {
		key, value string
		known      []string
	}{{"store", r.Store, []string{policy.InMemory, policy.Durable}},
		{"sync", r.Sync, []string{policy.SyncAlways, policy.SyncInterval}},
		{"slow", r.Slow, []string{policy.Disconnect, policy.DropOldest, policy.Conflate}}} {
		if word.value != "" {
			l.oneOf(key+"."+word.key, word.value, word.known...)
		}
	}
	for _, number := range []struct {
		key         string
		value, none int64
	}{{"history_count", int64(r.HistoryCount), -1}, {"dedup_count", int64(r.DedupCount), -1},
		{"history_bytes", int64(r.HistoryBytes), 0}, {"history_age", int64(r.HistoryAge), 0},
		{"dedup_age", int64(r.DedupAge), 0}} {
		switch {
		case number.value >= number.none:
		case number.none < 0:
			l.addProblem(key+"."+number.key, "must not be negative; only -1 has a meaning, none")
		default:
			l.addProblem(key+"."+number.key, "must not be negative; 0 is what holds for the engine")
		}
	}
}

func (l *Result) checkRates(rates *limit.RateLimits, key string) {
	eachRate(rates, rates, key, func(key string, n, _ *int) {
		if *n < -1 {
			l.addProblem(key, "must not be negative; only -1 has a meaning, no limit")
		}
	})
}

// checkPattern asks auth, which knows patterns from tokens.
func checkPattern(pattern string) error {
	err := try(auth.TenantKeys{Topics: []string{pattern}})
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "topics: "))
}
