package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/transport/auth"
)

// Topics say what holds for which topic, in all tenants; the rules of a tenant come before these.
type Topics struct {
	Durable     []string      `yaml:"durable" env:"DURABLE" unit:"patterns"`
	Sync        string        `yaml:"sync" env:"SYNC" envDefault:"always" unit:"always|interval"`
	Slow        string        `yaml:"slow" env:"SLOW" envDefault:"disconnect" unit:"disconnect|drop-oldest|conflate"`
	BatchWindow time.Duration `yaml:"batch_window" env:"BATCH_WINDOW" envDefault:"0s" unit:"duration"`
	Rules       []policy.Rule `yaml:"rules" env:"-"`
}

// Help is one line of meaning for each key.
func (Topics) Help() map[string]string {
	return map[string]string{
		"durable": "Topics that are kept on disk, in data, unless a rule says where they are kept: a/b, a/*, a* or *.",
		"sync":    "When a durable publish is answered, unless a rule says so: when the disk has it, or before.",
		"slow": "What becomes of a reader that does not keep up with a topic, unless a rule says so: it is " +
			"disconnected, loses the oldest of the topic, or hears only the newest of each key.",
		"batch_window": "How long an event may wait for more of its topic, so that a subscriber gets them in one " +
			"write, unless a rule says so; 0s is off, at most 10s.",
	}
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

func checkTopics(c *Config, d *Diagnostics) {
	t := &c.Topics
	for i, pattern := range t.Durable {
		if err := checkPattern(pattern); err != nil {
			key := fmt.Sprintf("topics.durable[%d]", i)
			if d.locator.origins["topics.durable"] != "" {
				key = "topics.durable"
			}
			d.addProblem(key, err.Error())
		}
	}
	d.requireOneOf("topics.sync", t.Sync, policy.SyncAlways, policy.SyncInterval)
	d.requireOneOf("topics.slow", t.Slow, policy.Disconnect, policy.DropOldest, policy.Conflate)
	checkWindow("topics.batch_window", t.BatchWindow, d)
	checkWindow("engine.write_delay", c.Engine.WriteDelay, d)
	checkRules(c.TopicRules, "topic_rules", d)
	checkRules(t.Rules, "topics.rules", d)
	if d.locator.inFile("topics.rules") {
		d.addWarning("topics.rules", "has a newer name, topic_rules, as those of a tenant have; both are obeyed")
	}
	warnOfLatest(c, c.TopicRules, "topic_rules", d)
	warnOfLatest(c, t.Rules, "topics.rules", d)
	for i := range c.Tenants {
		warnOfLatest(c, c.Tenants[i].TopicRules, fmt.Sprintf("tenants[%d].topic_rules", i), d)
	}
	checkStore(c, d)
}

// warnOfLatest warns of rules with batch_latest that have no window.
func warnOfLatest(c *Config, rules []policy.Rule, key string, d *Diagnostics) {
	for i, r := range rules {
		if r.BatchLatest && (r.BatchWindow < 0 || r.BatchWindow == 0 && c.Topics.BatchWindow == 0) {
			d.addWarning(fmt.Sprintf("%s[%d].batch_latest", key, i),
				"does nothing without batch_window, in the rule or under topics")
		}
	}
}

func checkStore(c *Config, d *Diagnostics) {
	if c.HasDurableTopics() && c.Data == "" {
		d.addProblem("data", "is missing: there are durable topics; name a directory for them (--data DIR)")
	}
	if c.Store.Partitions < 1 || c.Store.Partitions > durable.MaxPartitions {
		d.addProblem("store.slots", fmt.Sprintf("must be 1 to %d", durable.MaxPartitions))
	}
	for key, every := range map[string]time.Duration{"sync_every": c.Store.SyncEvery,
		"sweep_every": c.Store.RetentionEvery, "forget": c.Store.Forget} {
		if every <= 0 {
			d.addProblem("store."+key, "must be more than 0s")
		}
	}
}

func checkRules(rules []policy.Rule, key string, d *Diagnostics) {
	for i := range rules {
		checkRule(&rules[i], fmt.Sprintf("%s[%d]", key, i), d)
	}
}

func checkRule(r *policy.Rule, key string, d *Diagnostics) {
	if r.Pattern == "" {
		d.addProblem(key+".pattern", "is missing: the topics concerned, such as telemetry/*")
	} else if err := checkPattern(r.Pattern); err != nil {
		d.addProblem(key+".pattern", err.Error())
	}
	for _, word := range []struct {
		key, value string
		known      []string
	}{{"store", r.Store, []string{policy.InMemory, policy.Durable}},
		{"sync", r.Sync, []string{policy.SyncAlways, policy.SyncInterval}},
		{"slow", r.Slow, []string{policy.Disconnect, policy.DropOldest, policy.Conflate}},
		{"publish", r.Publish,
			[]string{policy.PublishByToken, policy.PublishBySubscribers, policy.PublishByClients}}} {
		if word.value != "" {
			d.requireOneOf(key+"."+word.key, word.value, word.known...)
		}
	}
	if checkWindow(key+".batch_window", r.BatchWindow, d); r.BatchWindow < 0 && r.BatchWindow != -time.Second {
		d.addProblem(key+".batch_window", "must not be negative; only -1s has a meaning, none")
	}
	for _, number := range []struct {
		key         string
		value, none int64
	}{{"history_count", int64(r.HistoryCount), -1}, {"dedup_count", int64(r.DedupCount), -1},
		{"history_bytes", int64(r.HistoryBytes), 0}, {"history_age", int64(r.HistoryAge), 0},
		{"dedup_age", int64(r.DedupAge), 0}, {"batch_count", int64(r.BatchCount), 0}} {
		switch {
		case number.value >= number.none:
		case number.none < 0:
			d.addProblem(key+"."+number.key, "must not be negative; only -1 has a meaning, none")
		default:
			d.addProblem(key+"."+number.key, "must not be negative; 0 is what holds for the engine")
		}
	}
}

// longestWindow is how long events may wait on purpose: more is another thing than a delivery that is late.
const longestWindow = 10 * time.Second

func checkWindow(key string, window time.Duration, d *Diagnostics) {
	if window > longestWindow {
		d.addProblem(key, fmt.Sprintf("must be at most %s: clients would wait that long for each event", longestWindow))
	}
}

func checkRates(rates *limit.RateLimits, key string, d *Diagnostics) {
	eachRate(rates, rates, key, func(key string, n, _ *int) {
		if *n < -1 {
			d.addProblem(key, "must not be negative; only -1 has a meaning, no limit")
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
