package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
)

const ruledYAML = "data: d\n" + tenantYAML + `
    topic_rules:
      - {pattern: telemetry/*, slow: conflate, history_count: -1}
    rates:
      connection: {messages: 20}
      user: {connects: -1}
topics:
  durable: [orders/*]
  slow: drop-oldest
  rules:
    - pattern: telemetry/*
      store: durable
    - pattern: orders/scratch
      store: memory
      history_age: 1m
rates:
  connection: {messages: 10, bytes: 1000}
  user: {connects: 5}
`

func TestTopics_ATenantsRulesComeFirstAndTheListsLast(t *testing.T) {
	c := mustLoad(t, ruledYAML)
	limits := c.Limits()[0]
	for topic, want := range map[string]policy.Rule{
		"telemetry/1": {Pattern: "telemetry/*", Store: "memory", Sync: "always", Slow: "conflate", HistoryCount: -1},
		"orders/1":    {Store: "durable", Sync: "always", Slow: "drop-oldest"},
		"orders/scratch": {Pattern: "orders/scratch", Store: "memory", Sync: "always", Slow: "drop-oldest",
			HistoryAge: time.Minute},
	} {
		if got := limits.Rules.Rule(topic); got != want {
			t.Errorf("%s: %+v, want %+v", topic, got, want)
		}
	}
}

// One key for one thing: topic_rules for all tenants as for one. The older name is obeyed behind it, with a warning.
func TestTopics_RulesHaveOneNameForAllTenantsAndForOne(t *testing.T) {
	rules := func(key string) string {
		return "  - {pattern: telemetry/*, store: durable}\n  - {pattern: " + key + ", slow: conflate}\n"
	}
	l := load(t, "data: d\ntopic_rules:\n"+rules("new/*")+"topics:\n  rules:\n"+rules("old/*")+tenantYAML)
	if len(l.Problems) > 0 {
		t.Fatal(l.Problems)
	}
	limits := l.Config.Limits()[0]
	for topic, want := range map[string]string{"telemetry/1": "telemetry/*", "new/1": "new/*", "old/1": "old/*",
		"x": ""} {
		if got := limits.Rules.Rule(topic).Pattern; got != want {
			t.Errorf("%s goes by the rule %q, want %q", topic, got, want)
		}
	}
	if want := "topics.rules: has a newer name, topic_rules"; len(l.Warnings) != 1 ||
		!strings.Contains(l.Warnings[0].String(), want) || !strings.HasSuffix(l.Warnings[0].Origin, "parley.yaml:6") {
		t.Errorf("warned %v, want %s", l.Warnings, want)
	}
	l = load(t, "data: d\ntopic_rules:\n"+rules("new/*")+tenantYAML)
	if len(l.Problems) > 0 || len(l.Warnings) > 0 || !l.Config.HasDurableTopics() {
		t.Errorf("the newer name alone: %v %v, durable topics: %v", l.Problems, l.Warnings, l.Config.HasDurableTopics())
	}
}

func TestRates_OfATenantWinOverThoseOfAllAndMinusOneIsNone(t *testing.T) {
	got := mustLoad(t, ruledYAML).Limits()[0].Rates
	want := limit.RateLimits{Connection: limit.Flow{Messages: 20, Bytes: 1000}}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if none := mustLoad(t, tenantYAML).Limits()[0].Rates; none != (limit.RateLimits{}) {
		t.Errorf("by default there are limits: %+v", none)
	}
}

// interface.md: PARLEY_TOPICS_DURABLE.
func TestTopics_TheEnvironmentSaysWhatIsDurable(t *testing.T) {
	loaded := Load(Sources{Protocols: protocols.All, Dev: true,
		Environ: []string{"PARLEY_DATA=d", "PARLEY_TOPICS_DURABLE=orders/*,audit", "PARLEY_TOPICS_SYNC=interval",
			"PARLEY_RATES_TENANT_MESSAGES=7"}})
	if len(loaded.Problems) > 0 || len(loaded.Unknown) > 0 {
		t.Fatal(loaded.Problems, loaded.Unknown)
	}
	limits := loaded.Config.Limits()[0]
	for topic, want := range map[string]string{"orders/1": policy.Durable, "audit": policy.Durable,
		"audit/x": policy.Durable, "orders": policy.InMemory} {
		if got := limits.Rules.Rule(topic); got.Store != want || got.Sync != policy.SyncInterval {
			t.Errorf("%s: %+v, want %s", topic, got, want)
		}
	}
	if limits.Rates.Tenant.Messages != 7 {
		t.Errorf("%+v", limits.Rates)
	}
}

// reliability.md check 56 for rules and rates.
func TestLoad_EveryProblemOfRulesAndRatesHasItsLine(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"topics:\n  durable: ['a//b']\n", "parley.yaml:2: topics.durable[0]: "},
		{"topics:\n  slow: conflated\n", "parley.yaml:2: topics.slow: must be one of disconnect, drop-oldest, " +
			"conflate"},
		{"topics:\n  sync: never\n", "parley.yaml:2: topics.sync: must be one of always, interval"},
		{"topics:\n  rules:\n    - {slow: conflate}\n", "parley.yaml:3: topics.rules[0].pattern: is missing"},
		{"topics:\n  rules:\n    - {pattern: 'a*b'}\n", "parley.yaml:3: topics.rules[0].pattern: "},
		{"topics:\n  rules:\n    - pattern: a\n      store: disk\n",
			"parley.yaml:4: topics.rules[0].store: must be one of memory, durable"},
		{"topics:\n  rules:\n    - pattern: a\n      history_count: -2\n",
			"parley.yaml:4: topics.rules[0].history_count: must not be negative; only -1"},
		{"topics:\n  rules:\n    - pattern: a\n      dedup_age: -1s\n",
			"parley.yaml:4: topics.rules[0].dedup_age: must not be negative"},
		{"topics:\n  rules:\n    - pattern: a\n      slowly: yes\n",
			`topics.rules[0].slowly: unknown key; did you mean "slow"?`},
		{"topics:\n  batch_window: 11s\n", "parley.yaml:2: topics.batch_window: must be at most 10s"},
		{"topics:\n  batch_window: -1s\n", "parley.yaml:2: topics.batch_window: must not be negative"},
		{"engine:\n  write_delay: -1ms\n", "parley.yaml:2: engine.write_delay: must not be negative"},
		{"topic_rules:\n  - pattern: a\n    batch_window: -2s\n",
			"parley.yaml:3: topic_rules[0].batch_window: must not be negative; only -1s has a meaning, none"},
		{"topic_rules:\n  - pattern: a\n    batch_count: -1\n",
			"parley.yaml:3: topic_rules[0].batch_count: must not be negative"},
		{"topic_rules:\n  - pattern: a\n    store: disk\n", "parley.yaml:3: topic_rules[0].store: must be one of"},
		{"rates:\n  user:\n    messages: -1\n", "parley.yaml:3: rates.user.messages: must not be negative"},
		{"tenants:\n  - name: a\n    rates:\n      user:\n        connects: -2\n",
			"parley.yaml:5: tenants[0].rates.user.connects: must not be negative; only -1"},
		{"tenants:\n  - name: a\n    topic_rules:\n      - pattern: a\n        slow: never\n",
			"parley.yaml:5: tenants[0].topic_rules[0].slow: must be one of"},
	} {
		var lines []string
		for _, p := range load(t, c.text).Problems {
			lines = append(lines, p.String())
		}
		if all := strings.Join(lines, "\n"); !strings.Contains(all, c.want) {
			t.Errorf("%s\nwant %q, got\n%s", c.text, c.want, all)
		}
	}
}

func TestLoad_WarnsOfRulesThatAskForTheLatestOfNoWindow(t *testing.T) {
	rule := "topic_rules:\n  - pattern: a\n    batch_latest: true\n"
	warning := "topic_rules[0].batch_latest: does nothing without batch_window, in the rule or under topics"
	for text, want := range map[string]string{
		rule:                                  warning,
		rule + "    batch_window: -1s\n":      warning,
		rule + "    batch_window: 5ms\n":      "",
		rule + "topics: {batch_window: 1s}\n": "",
		"topics: {batch_window: 1s}\n" + rule + "    batch_window: -1s\n": warning,
	} {
		l := load(t, text+tenantYAML)
		if got := fmt.Sprint(l.Warnings); !strings.Contains(got, want) || want == "" && len(l.Warnings) > 0 {
			t.Errorf("%s\nwant %q, got %q", text, want, got)
		}
		if len(l.Problems) > 0 {
			t.Errorf("%s\n%v", text, l.Problems)
		}
	}
}
