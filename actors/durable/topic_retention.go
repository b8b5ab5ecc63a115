package durable

import (
	"time"

	"github.com/parley-realtime/parley/actors/history"
)

// few events may be removed for their age without a line in the log.
const unloggedRemovals = 3

// tooOld is how many of the events up to the oldest that is left are removed for their age alone.
func (t *Topic) countAged(oldest uint64) uint64 { return oldest - t.oldest(t.fits) }

// tellAged says that events were removed for their age. The other bounds are met all the time and not worth a line.
func (t *Topic) logAged(count, upTo uint64, age time.Duration) {
	if count > unloggedRemovals {
		t.store.cfg.Logger.Info("events of a durable topic were removed, since they are older than its rule keeps them",
			"tenant", t.tenant, "topic", t.name, "events", count, "up_to_offset", upTo, "age", age)
	}
}

// tellForgotten says that a topic was removed with the events that it still had.
func (t *Topic) logForgotten(count uint64) {
	if count > unloggedRemovals {
		t.store.cfg.Logger.Info("a durable topic was removed with its events, since they are older than its rule keeps them "+
			"and nothing was published for long", "tenant", t.tenant, "topic", t.name, "events", count,
			"up_to_offset", t.newest, "age", t.rule.Bounds.Age, "unused_for", t.store.cfg.Forget)
	}
}

// trimmed answers a trim. It is called from the goroutine of the slot, so it is told what the topic's owner may change.
func (t *Topic) trimDone(aged, upTo uint64, age time.Duration) func(history.Outcome) {
	return func(o history.Outcome) {
		if o.Err == nil {
			t.logAged(aged, upTo, age)
		}
	}
}
