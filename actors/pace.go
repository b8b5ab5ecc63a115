package actors

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
type pace struct {
	keys map[paceKey]*beat
	// sweepAt is when it may look again for quiet keys among too many.
	sweepAt time.Time
}

// paceKey is a topic and a key: two devices do not conflate each other on their common ancestor.
type paceKey struct{ topic, key string }

type beat struct {
	next  time.Time // when the next event may pass
	every time.Duration
	held  held
}

// held is an event that waits; a nil event is none.
type held struct {
	event   *protocol.Event
	exclude uint64
	offset  uint64        // of the newest event in it, for the order
	fate    outbox.Policy // of its frame
}

// maxPaceKeys bounds the keys of one group; the events of more keys pass unheld.
const maxPaceKeys = 16384

// sweepEvery is how often at most all keys are looked at for room: else each event of a key too many would.
const sweepEvery = 100 * time.Millisecond

// hold returns zero if the event may pass now, or else when it is going to be released.
func (p *pace) hold(pub *publication, offset uint64, every time.Duration, now time.Time) time.Time {
	key := paceKey{pub.event.Topic, pub.event.Key}
	b := p.keys[key]
	if b == nil {
		if p.keys == nil {
			p.keys = map[paceKey]*beat{}
		}
		if !p.room(now) {
			return time.Time{}
		}
		p.keys[key] = &beat{next: now.Add(every), every: every}
		return time.Time{}
	}
	if b.held.event == nil && !now.Before(b.next) {
		b.next, b.every = now.Add(every), every
		return time.Time{}
	}
	ev := pub.event
	if b.held.event != nil {
		ev = b.held.event.Conflate(ev)
	}
	b.held = held{ev, pub.exclude, offset, pub.fate}
	return b.next
}

// room makes room for one more key and reports whether there is any.
func (p *pace) room(now time.Time) bool {
	if len(p.keys) < maxPaceKeys {
		return true
	}
	if now.Before(p.sweepAt) {
		return false
	}
	p.sweepAt = now.Add(sweepEvery)
	return p.sweep(now)
}

// sweep forgets keys that have been quiet, and reports whether there were any.
func (p *pace) sweep(now time.Time) bool {
	before := len(p.keys)
	for key, b := range p.keys {
		if b.held.event == nil && !now.Before(b.next) {
			delete(p.keys, key)
		}
	}
	return len(p.keys) < before
}

// release returns what is due, in the order in which it came.
func (p *pace) release(now time.Time) []held {
	var due []held
	for _, b := range p.keys {
		if b.held.event != nil && !now.Before(b.next) {
			due = append(due, b.held)
			b.next, b.held = now.Add(b.every), held{}
		}
	}
	p.sweep(now)
	slices.SortFunc(due, byOffset)
	return due
}

// waiting returns what is held, in the order in which it came. It stays held.
func (p *pace) waiting() []held {
	var all []held
	for _, b := range p.keys {
		if b.held.event != nil {
			all = append(all, b.held)
		}
	}
	slices.SortFunc(all, byOffset)
	return all
}

func byOffset(a, b held) int { return cmp.Compare(a.offset, b.offset) }

// due is when the next held event is to be released, zero if none is held.
func (p *pace) due() (at time.Time) {
	for _, b := range p.keys {
		if b.held.event != nil {
			at = earlier(at, b.next)
		}
	}
	return at
}
