package policy

import (
	"time"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
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

// The clients that may publish to a topic.
const (
	PublishByToken       = "token"       // a client whose token grants it
	PublishBySubscribers = "subscribers" // also a client that is subscribed to the topic
	PublishByClients     = "clients"     // also a client that may subscribe to it
)

// The fates of a reader that does not keep up with a topic.
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

// Rule is what holds for the topics that its pattern covers. A field that is zero is left open.
type Rule struct {
	Pattern      string        `yaml:"pattern" unit:"pattern"`
	Store        string        `yaml:"store" unit:"memory|durable"`
	Sync         string        `yaml:"sync" unit:"always|interval"`
	Slow         string        `yaml:"slow" unit:"disconnect|drop-oldest|conflate"`
	HistoryCount int           `yaml:"history_count" unit:"events"`
	HistoryBytes int           `yaml:"history_bytes" unit:"bytes"`
	HistoryAge   time.Duration `yaml:"history_age" unit:"duration"`
	DedupCount   int           `yaml:"dedup_count" unit:"ids"`
	DedupAge     time.Duration `yaml:"dedup_age" unit:"duration"`
	BatchWindow  time.Duration `yaml:"batch_window" unit:"duration"`
	BatchCount   int           `yaml:"batch_count" unit:"events"`
	BatchLatest  bool          `yaml:"batch_latest" unit:"true|false"`
	Publish      string        `yaml:"publish" unit:"token|subscribers|clients"`
}

// Help is one line of meaning for each key.
func (Rule) Help() map[string]string {
	return map[string]string{
		"pattern": "The topics concerned: a/b (and what lies below), a/* (only what lies below), a* (all " +
			"that begin so), * (all). The first rule that covers a topic is its rule.",
		"store": "Where its events are kept; empty for what topics.durable says.",
		"sync": "When a durable publish is answered: when the disk has it, or before; empty for " +
			"topics.sync.",
		"slow": "What becomes of a reader that does not keep up: it is disconnected, loses the oldest of " +
			"the topic, or hears only the newest of each key (events without one have one in common); empty for " +
			"topics.slow.",
		"history_count": "How many events the topic remembers; 0 is engine.history_count, of a durable topic " +
			"engine.durable_count, -1 none.",
		"history_bytes": "How much the topic remembers; 0 is engine.history_bytes, of a durable topic " +
			"engine.durable_bytes.",
		"history_age": "How long the topic remembers an event; 0s is engine.history_age, of a durable topic " +
			"engine.durable_age.",
		"dedup_count": "How many event ids the topic recognises; 0 is engine.dedup_count, -1 none.",
		"dedup_age": "How long the topic recognises an event id, a durable one at most 1h; 0s is " +
			"engine.dedup_age.",
		"batch_window": "How long an event may wait for more, so that a subscriber gets them in one write; 0s is " +
			"topics.batch_window, -1s none.",
		"batch_count": "How many events wait at most; 0 is 64.",
		"batch_latest": "Of the events that wait, a subscriber hears only the newest of each key (events without " +
			"one have one in common).",
		"publish": "Which clients may publish to the topic, by a protocol that can: those whose token grants it " +
			"(its claim publish), also its subscribers, or also all that may subscribe to it; empty for token.",
	}
}

// AdmitsPublish reports whether the rule lets a client publish whose token does not grant it. It calls maySubscribe, if
// that matters, to know whether the client may subscribe.
func (r *Rule) AdmitsPublish(subscribed bool, maySubscribe func() bool) bool {
	switch r.Publish {
	case PublishBySubscribers:
		return subscribed
	case PublishByClients:
		return subscribed || maySubscribe()
	}
	return false
}

// Rules say what holds for which topic of a tenant. They are never changed after they were handed on.
type Rules struct {
	// List are the rules; the first one that covers a topic is its rule.
	List []Rule
	// Durable covers the topics that are durable unless their rule says where they are kept.
	Durable []string
	// Sync and Slow hold where a rule leaves them open; "" is SyncAlways and Disconnect.
	Sync, Slow string
	// BatchWindow holds where a rule leaves it open; 0 is none.
	BatchWindow time.Duration
}

// Rule is what holds for a topic. Store, Sync and Slow are always said; a number that is 0 is the node's.
func (r *Rules) Rule(topic string) Rule { return r.at(r.find(topic)) }

// find is the place of the topic's rule, len(List) if there is none, and whether the topic is in the list of durable
// ones.
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

func (r *Rules) at(place int, durable bool) Rule {
	var rule Rule
	if place < len(r.List) {
		rule = r.List[place]
	}
	store := InMemory
	if durable {
		store = Durable
	}
	setDefault(&rule.Store, store)
	setDefault(&rule.Sync, r.Sync)
	setDefault(&rule.Sync, SyncAlways)
	setDefault(&rule.Slow, r.Slow)
	setDefault(&rule.Slow, Disconnect)
	resolveNumber(&rule.BatchWindow, r.BatchWindow)
	return rule
}

// setDefault says what is left open.
func setDefault(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// Topic is a rule with nothing left open, shared by all topics that it holds for. It is never changed.
type Topic struct {
	Rule
	set    *Set
	Frames outbox.Policy // of the topic's frames
	Batch  Batch
}

// Batch says how a topic's events wait for more, so that a subscriber gets them in one write.
type Batch struct {
	Window time.Duration // how long an event waits at most; 0 if none does
	Count  int           // how many wait at most
	Latest bool          // of those that wait, a subscriber gets only the newest of each key
}

// defaultBatchCount is how many events wait at most if no rule says so.
const defaultBatchCount = 64

// Set are a tenant's rules as its topics use them. It is replaced as a whole.
type Set struct {
	rules     Rules
	policies  []Topic // two for each place: of topics that are not in the list of durable ones, and of those that are
	broadcast Topic   // of the topic of everyone
	latest    bool    // some rule has batch_latest
}

func NewSet(defaults Defaults, rules Rules) *Set {
	s := &Set{rules: rules}
	for place := range len(rules.List) + 1 {
		s.policies = append(s.policies,
			s.resolve(&defaults, rules.at(place, false)), s.resolve(&defaults, rules.at(place, true)))
	}
	none := &Rules{}
	s.broadcast = s.resolve(&defaults, none.at(0, false))
	s.broadcast.HistoryCount = 0
	return s
}

// resolve gives a rule the node's numbers where it has none.
func (s *Set) resolve(d *Defaults, rule Rule) Topic {
	history := d.Memory
	if rule.Store == Durable {
		history = d.Durable
	}
	resolveNumber(&rule.HistoryCount, history.Count)
	resolveNumber(&rule.HistoryBytes, history.Bytes)
	resolveNumber(&rule.HistoryAge, history.Age)
	resolveNumber(&rule.DedupCount, d.DedupCount)
	resolveNumber(&rule.DedupAge, d.DedupAge)
	resolveNumber(&rule.BatchCount, defaultBatchCount)
	batch := Batch{rule.BatchWindow, rule.BatchCount, rule.BatchLatest && rule.BatchWindow > 0}
	s.latest = s.latest || batch.Latest
	return Topic{Rule: rule, set: s, Frames: framePolicies[rule.Slow], Batch: batch}
}

// resolveNumber fills a number that is left open; a negative one is 0 in effect.
func resolveNumber[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
	*field = max(*field, 0)
}

// For is the policy of a topic.
func (s *Set) For(topic string) *Topic {
	place, durable := s.rules.find(topic)
	if durable {
		return &s.policies[2*place+1]
	}
	return &s.policies[2*place]
}

// Record records which rule is the topic's.
func (s *Set) Record(topic string, asked *decision.Record) {
	place, _ := s.rules.find(topic)
	if place == len(s.rules.List) {
		place = -1
	}
	rule := s.For(topic)
	asked.Index(decision.TopicRule, place, rule.Pattern+" "+rule.Store+" "+rule.Slow, true)
}

// Set is what the policy belongs to.
func (p *Topic) Set() *Set { return p.set }

// HoldsBack reports whether topics may hold events back for subscribers that are to hear only the newest of each key.
func (s *Set) HoldsBack() bool { return s.latest }

// Broadcast is the policy of the topic of all connections, which remembers nothing.
func (s *Set) Broadcast() *Topic { return &s.broadcast }

// Defaults are the node's numbers, which hold where a rule has none.
type Defaults struct {
	Memory, Durable history.Bounds
	DedupCount      int
	DedupAge        time.Duration
}

func (t *Topic) History() history.Bounds {
	return history.Bounds{Count: t.HistoryCount, Bytes: t.HistoryBytes, Age: t.HistoryAge}
}

var framePolicies = map[string]outbox.Policy{
	Disconnect: outbox.Keep, DropOldest: outbox.DropOldest, Conflate: outbox.Conflate,
}

// DurableRule returns the policy in the store's words.
func (t *Topic) DurableRule() durable.Rule {
	return durable.Rule{Bounds: t.History(), Dedup: t.dedupAge(), Relaxed: t.Sync == SyncInterval}
}

// dedupAge is how long the store recognises ids.
func (t *Topic) dedupAge() time.Duration {
	if t.DedupCount == 0 {
		return 0
	}
	return min(t.DedupAge, durable.MaxDedup)
}
