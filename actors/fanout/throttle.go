package fanout

import (
	"cmp"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// pace holds events back for subscribers that want at most one every so often, by key: the first passes, what comes too
// soon is held, and the latest of it is released when its time has come. What was held and is replaced by a newer event
// is what the subscriber asked not to get; it is no drop.
type throttle struct {
	keys map[throttleKey]*throttledKey
	// sweepAt is when it may look again for quiet keys among too many.
	sweepAt time.Time
}

// paceKey is a topic and a key: two devices do not conflate each other on their common ancestor.
type throttleKey struct{ topic, key string }

type throttledKey struct {
	next    time.Time // when the next event may pass
	every   time.Duration
	pending pendingSample
}

// held is an event that waits; a nil event is none.
type pendingSample struct {
	event   *protocol.Event
	exclude uint64
	offset  uint64        // of the newest event in it, for the order
	policy  outbox.Policy // of its frame
}

// maxPaceKeys bounds the keys of one group; the events of more keys pass unheld.
const maxThrottleKeys = 16384

// sweepEvery is how often at most all keys are looked at for room: else each event of a key too many would.
const sweepEvery = 100 * time.Millisecond

// hold returns zero if the event may pass now, or else when it is going to be released.
func (t *throttle) hold(d *Delivery, offset uint64, every time.Duration, now time.Time) time.Time {
	key := throttleKey{d.Event.Topic, d.Event.Key}
	k := t.keys[key]
	if k == nil {
		if t.keys == nil {
			t.keys = map[throttleKey]*throttledKey{}
		}
		if !t.hasRoom(now) {
			return time.Time{}
		}
		t.keys[key] = &throttledKey{next: now.Add(every), every: every}
		return time.Time{}
	}
	if k.pending.event == nil && !now.Before(k.next) {
		k.next, k.every = now.Add(every), every
		return time.Time{}
	}
	ev := d.Event
	if k.pending.event != nil {
		ev = k.pending.event.Conflate(ev)
	}
	k.pending = pendingSample{ev, d.Exclude, offset, d.Policy}
	return k.next
}

// room makes room for one more key and reports whether there is any.
func (t *throttle) hasRoom(now time.Time) bool {
	if len(t.keys) < maxThrottleKeys {
		return true
	}
	if now.Before(t.sweepAt) {
		return false
	}
	t.sweepAt = now.Add(sweepEvery)
	return t.sweep(now)
}

// sweep forgets keys that have been quiet, and reports whether there were any.
func (t *throttle) sweep(now time.Time) bool {
	before := len(t.keys)
	for key, k := range t.keys {
		if k.pending.event == nil && !now.Before(k.next) {
			delete(t.keys, key)
		}
	}
	return len(t.keys) < before
}

// release returns what is due, in the order in which it came.
func (t *throttle) release(now time.Time) []pendingSample {
	var due []pendingSample
	for _, k := range t.keys {
		if k.pending.event != nil && !now.Before(k.next) {
			due = append(due, k.pending)
			k.next, k.pending = now.Add(k.every), pendingSample{}
		}
	}
	t.sweep(now)
	slices.SortFunc(due, byOffset)
	return due
}

// waiting returns what is held, in the order in which it came. It stays held.
func (t *throttle) pending() []pendingSample {
	var all []pendingSample
	for _, k := range t.keys {
		if k.pending.event != nil {
			all = append(all, k.pending)
		}
	}
	slices.SortFunc(all, byOffset)
	return all
}

func byOffset(a, b pendingSample) int { return cmp.Compare(a.offset, b.offset) }

// due is when the next held event is to be released, zero if none is held.
func (t *throttle) due() (at time.Time) {
	for _, k := range t.keys {
		if k.pending.event != nil {
			at = earlier(at, k.next)
		}
	}
	return at
}
