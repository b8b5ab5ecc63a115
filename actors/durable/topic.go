package durable

import (
	"fmt"
	"time"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// Topic is one durable topic: a history.History that answers when the disk has the event. It calls done on the
// goroutine of its partition, in the order of the offsets, except for events that are refused at once: those it answers
// within Add.
type Topic struct {
	topicEvents // static, as are these
	queue       *queue
	clock       *clock

	// Only the topic's owner touches these.
	rule       Rule
	ruleStored bool // the store knows the rule
	epoch      string
	floor      uint64    // what is known of the store's
	newest     uint64    // settled
	tail       record    // the newest event, if tailAt is newest
	tailAt     uint64    // 0 if tail is unknown
	now        time.Time // of the newest Add
	sinceTrim            // how much was added since the last trim
}

type sinceTrim struct {
	count int
	bytes int
}

var _ history.History = (*Topic)(nil)

// openTopic is Store.OpenTopic in the partition of the topic.
func openTopic(p *partition, tenant, name string, rule Rule) (*Topic, error) {
	if err := rule.check(name); err != nil {
		return nil, err
	}
	h, err := topicRecovery{eventsOf(p, tenant, name), p.queue, p.handOver, rule}.head()
	if err != nil {
		return nil, fmt.Errorf("durable topic %s of tenant %s: %w", protocol.Quote(name), protocol.Quote(tenant), err)
	}
	return newTopic(p, h, rule), nil
}

// newTopic makes a topic of its head.
func newTopic(p *partition, h *head, rule Rule) *Topic {
	return &Topic{
		topicEvents: eventsOf(p, h.tenant, h.topic), queue: p.queue, clock: p.storage.clock,
		rule: rule, epoch: h.epoch, floor: h.floor, newest: h.newest,
	}
}

// eventsOf is the events of a topic of a partition.
func eventsOf(p *partition, tenant, name string) topicEvents {
	return topicEvents{state: p.state, tenant: tenant, name: name, log: p.storage.cfg.Logger}
}

// SetRule gives the topic another rule: for writing from the next Add on, for reading at once. The error says that the
// rule's Dedup is too long.
func (t *Topic) SetRule(rule Rule) error {
	if err := rule.check(t.name); err != nil {
		return err
	}
	t.ruleStored = t.ruleStored && rule == t.rule
	t.rule = rule
	return nil
}

// Add implements history.History. Refusals are StorageFull, Busy and Draining, with RetryAfter, and Internal.
func (t *Topic) Add(ev *protocol.Event, dedup bool, now time.Time, done func(history.Outcome)) {
	o := operation{
		op: opAdd, tenant: t.tenant, topic: t.name, now: t.clock.at(now), dedup: dedup,
		body: appendEvent(nil, t.name, ev),
	}
	if !t.ruleStored {
		o.rule = &t.rule
	}
	r := request{operation: o.append(nil), relaxed: t.rule.Relaxed, done: done}
	if err := t.queue.put(r); err != nil {
		done(history.Outcome{Err: err})
		return
	}
	t.now = now
	t.sinceTrim.count++
	t.sinceTrim.bytes += int(countedBytes(o.body))
}

// Settle implements history.History.
func (t *Topic) Settle(o history.Outcome) {
	if o.Err != nil || o.Duplicate {
		return
	}
	t.ruleStored = true
	if o.Position.Epoch != t.epoch { // it was forgotten and came back, or was mended: perhaps with another rule
		t.ruleStored = false
		t.epoch, t.floor, t.newest = o.Position.Epoch, 0, 0
	}
	t.newest = max(t.newest, o.Position.Offset)
	t.trim()
}

// Position implements history.History.
func (t *Topic) Position() protocol.Position {
	return protocol.Position{Epoch: t.epoch, Offset: t.newest}
}

// Len implements history.History.
func (t *Topic) Len(now time.Time) int { return int(t.newest - t.Oldest(now)) }

// Events are removed many at a time: the disk holds up to twice what the bounds allow, and at least these.
const (
	trimCount = 512
	trimBytes = 256 << 10
)

// trim asks the partition to remove what the rule retains no more, once enough was added since the last time.
func (t *Topic) trim() {
	b := &t.rule.Bounds
	if t.sinceTrim.count < max(trimCount, b.Count) && t.sinceTrim.bytes < max(trimBytes, b.Bytes) {
		return
	}
	t.sinceTrim = sinceTrim{}
	oldest := t.Oldest(t.now)
	if oldest <= t.floor {
		return
	}
	done := t.trimDone(t.countAged(oldest), oldest, b.Age)
	o := operation{op: opTrim, tenant: t.tenant, topic: t.name, epoch: t.epoch, offset: oldest}
	if t.queue.put(request{operation: o.append(nil), relaxed: true, freesSpace: true, done: done}) == nil {
		t.floor = oldest
	}
}

// maxUnlogged is how many events may be removed for their age without a line in the log.
const maxUnlogged = 3

// countAged returns how many of the events up to the oldest that is left are removed for their age alone.
func (t *Topic) countAged(oldest uint64) uint64 { return oldest - t.oldest(t.fits) }

// logAged logs that events were removed for their age. The other bounds are met all the time and are not worth a line.
func (t *Topic) logAged(count, upTo uint64, age time.Duration) {
	if count > maxUnlogged {
		t.log.Info("events of a durable topic were removed, since they are older than its rule keeps them",
			"tenant", t.tenant, "topic", t.name, "events", count, "up_to_offset", upTo, "age", age)
	}
}

// trimDone returns the callback of a trim. It runs on the goroutine of the partition, so it is given what the topic's
// owner may change.
func (t *Topic) trimDone(aged, upTo uint64, age time.Duration) func(history.Outcome) {
	return func(o history.Outcome) {
		if o.Err == nil {
			t.logAged(aged, upTo, age)
		}
	}
}
