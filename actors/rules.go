package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Where a topic's events are kept.
const (
	InMemory = "memory"
	Durable  = "durable"
)

// When a durable topic's publish is answered.
const (
	SyncAlways   = "always"   // when the disk has it
	SyncInterval = "interval" // at once; the disk has it within the store's interval
)

// What becomes of a reader that does not keep up with a topic.
const (
	// Disconnect ends its connection as Slow.
	Disconnect = "disconnect"
	// DropOldest takes the oldest that waits of this topic from it.
	DropOldest = "drop-oldest"
	// Conflate replaces what waits of this topic by what is newer and has the same key, and drops the oldest if that is
	// not enough. Keys keep their places, so the order holds for each key by itself. Events without a key have one in
	// common.
	Conflate = "conflate"
)

// TopicRule is what holds for the topics that its pattern covers. What is zero is left open.
type TopicRule struct {
	Pattern      string        `yaml:"pattern" unit:"pattern" help:"The topics concerned: a/b (and what lies below), a/* (only what lies below), a* (all that begin so), * (all). The first rule that covers a topic is its rule."`
	Store        string        `yaml:"store" unit:"memory|durable" help:"Where its events are kept; empty for what topics.durable says."`
	Sync         string        `yaml:"sync" unit:"always|interval" help:"When a durable publish is answered: when the disk has it, or before; empty for topics.sync."`
	Slow         string        `yaml:"slow" unit:"disconnect|drop-oldest|conflate" help:"What becomes of a reader that does not keep up: it is disconnected, loses the oldest of the topic, or hears only the newest of each key (events without one have one in common); empty for topics.slow."`
	HistoryCount int           `yaml:"history_count" unit:"events" help:"How many events the topic remembers; 0 is engine.history_count, of a durable topic engine.durable_count, -1 none."`
	HistoryBytes int           `yaml:"history_bytes" unit:"bytes" help:"How much the topic remembers; 0 is engine.history_bytes, of a durable topic engine.durable_bytes."`
	HistoryAge   time.Duration `yaml:"history_age" unit:"duration" help:"How long the topic remembers an event; 0s is engine.history_age, of a durable topic engine.durable_age."`
	DedupCount   int           `yaml:"dedup_count" unit:"ids" help:"How many event ids the topic recognises; 0 is engine.dedup_count, -1 none."`
	DedupAge     time.Duration `yaml:"dedup_age" unit:"duration" help:"How long the topic recognises an event id, a durable one at most 1h; 0s is engine.dedup_age."`
}

// Rules say what holds for which topic of a tenant. They are never changed after they were handed on.
type Rules struct {
	// List are the rules; the first one that covers a topic is its rule.
	List []TopicRule
	// Durable covers the topics that are durable unless their rule says where they are kept.
	Durable []string
	// Sync and Slow hold where a rule leaves them open; "" is SyncAlways and Disconnect.
	Sync, Slow string
}

// Rule is what holds for a topic. Store, Sync and Slow are always said; a number that is 0 is the node's.
func (r *Rules) Rule(topic string) TopicRule { return r.at(r.find(topic)) }

// find is the place of the topic's rule, len(List) if there is none, and whether the topic is in the list of durable ones.
func (r *Rules) find(topic string) (place int, durable bool) {
	for place < len(r.List) && !protocol.Pattern(r.List[place].Pattern).Grants(topic) {
		place++
	}
	for _, pattern := range r.Durable {
		if protocol.Pattern(pattern).Grants(topic) {
			return place, true
		}
	}
	return place, false
}

func (r *Rules) at(place int, durable bool) TopicRule {
	var rule TopicRule
	if place < len(r.List) {
		rule = r.List[place]
	}
	store := InMemory
	if durable {
		store = Durable
	}
	open(&rule.Store, store)
	open(&rule.Sync, r.Sync)
	open(&rule.Sync, SyncAlways)
	open(&rule.Slow, r.Slow)
	open(&rule.Slow, Disconnect)
	return rule
}

// open says what is left open.
func open(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// terms are a rule with nothing left open, shared by all topics that it holds for.
type terms struct {
	TopicRule
	set  *ruleSet
	fate outbox.Policy // of the topic's frames
}

// ruleSet are a tenant's rules as its topics use them. It is replaced as a whole.
type ruleSet struct {
	rules Rules
	terms []terms // two for each place: of topics that are not in the list of durable ones, and of those that are
	plain terms   // of the topic of everyone
}

func newRuleSet(cfg *Config, rules Rules) *ruleSet {
	s := &ruleSet{rules: rules}
	for place := range len(rules.List) + 1 {
		s.terms = append(s.terms, s.close(cfg, rules.at(place, false)), s.close(cfg, rules.at(place, true)))
	}
	none := &Rules{}
	s.plain = s.close(cfg, none.at(0, false))
	s.plain.HistoryCount = 0
	return s
}

// close gives a rule the node's numbers where it has none.
func (s *ruleSet) close(cfg *Config, rule TopicRule) terms {
	if rule.Store == Durable {
		number(&rule.HistoryCount, cfg.DurableCount)
		number(&rule.HistoryBytes, cfg.DurableBytes)
		number(&rule.HistoryAge, cfg.DurableAge)
	} else {
		number(&rule.HistoryCount, cfg.HistoryCount)
		number(&rule.HistoryBytes, cfg.HistoryBytes)
		number(&rule.HistoryAge, cfg.HistoryAge)
	}
	number(&rule.DedupCount, cfg.DedupCount)
	number(&rule.DedupAge, cfg.DedupAge)
	return terms{TopicRule: rule, set: s, fate: fates[rule.Slow]}
}

// number fills a number that is left open; a negative one is 0 in effect.
func number[T int | time.Duration](field *T, value T) {
	fill(field, value)
	*field = max(*field, 0)
}

// of are the terms of a topic.
func (s *ruleSet) of(topic string) *terms {
	if topic == everyone {
		return &s.plain
	}
	place, durable := s.rules.find(topic)
	if durable {
		return &s.terms[2*place+1]
	}
	return &s.terms[2*place]
}

func (t *terms) remembers() history.Bounds {
	return history.Bounds{Count: t.HistoryCount, Bytes: t.HistoryBytes, Age: t.HistoryAge}
}

var fates = map[string]outbox.Policy{Disconnect: outbox.Keep, DropOldest: outbox.DropOldest, Conflate: outbox.Conflate}
