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
func (p *throttle) hold(pub *Delivery, offset uint64, every time.Duration, now time.Time) time.Time {
	key := throttleKey{pub.Event.Topic, pub.Event.Key}
	b := p.keys[key]
	if b == nil {
		if p.keys == nil {
			p.keys = map[throttleKey]*throttledKey{}
		}
		if !p.room(now) {
			return time.Time{}
		}
		p.keys[key] = &throttledKey{next: now.Add(every), every: every}
		return time.Time{}
	}
	if b.pending.event == nil && !now.Before(b.next) {
		b.next, b.every = now.Add(every), every
		return time.Time{}
	}
	ev := pub.Event
	if b.pending.event != nil {
		ev = b.pending.event.Conflate(ev)
	}
	b.pending = pendingSample{ev, pub.Exclude, offset, pub.Policy}
	return b.next
}

// room makes room for one more key and reports whether there is any.
func (p *throttle) room(now time.Time) bool {
	if len(p.keys) < maxThrottleKeys {
		return true
	}
	if now.Before(p.sweepAt) {
		return false
	}
	p.sweepAt = now.Add(sweepEvery)
	return p.sweep(now)
}

// sweep forgets keys that have been quiet, and reports whether there were any.
func (p *throttle) sweep(now time.Time) bool {
	before := len(p.keys)
	for key, b := range p.keys {
		if b.pending.event == nil && !now.Before(b.next) {
			delete(p.keys, key)
		}
	}
	return len(p.keys) < before
}

// release returns what is due, in the order in which it came.
func (p *throttle) release(now time.Time) []pendingSample {
	var due []pendingSample
	for _, b := range p.keys {
		if b.pending.event != nil && !now.Before(b.next) {
			due = append(due, b.pending)
			b.next, b.pending = now.Add(b.every), pendingSample{}
		}
	}
	p.sweep(now)
	slices.SortFunc(due, byOffset)
	return due
}

// waiting returns what is held, in the order in which it came. It stays held.
func (p *throttle) pending() []pendingSample {
	var all []pendingSample
	for _, b := range p.keys {
		if b.pending.event != nil {
			all = append(all, b.pending)
		}
	}
	slices.SortFunc(all, byOffset)
	return all
}

func byOffset(a, b pendingSample) int { return cmp.Compare(a.offset, b.offset) }

// due is when the next held event is to be released, zero if none is held.
func (p *throttle) due() (at time.Time) {
	for _, b := range p.keys {
		if b.pending.event != nil {
			at = earlier(at, b.next)
		}
	}
	return at
}
