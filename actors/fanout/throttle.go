package fanout

import (
	"cmp"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// throttle holds events back for subscribers that want at most one every so often, by key: the first event passes,
// those that come too soon are held, and the latest of them is released when its time has come. Events that a newer one
// replaces meanwhile are those that the subscriber asked not to get; they count as no drop.
type throttle struct {
	keys    map[throttleKey]*throttledKey
	sweepAt time.Time // when the throttle may next look for quiet keys, if there are too many keys
}

// throttleKey is a topic and a key: two devices do not conflate each other on a topic above both.
type throttleKey struct{ topic, key string }

// throttledKey is what a throttle knows of a key.
type throttledKey struct {
	next    time.Time     // when the next event may pass
	every   time.Duration // the interval
	pending pendingSample // what is held back
}

// pendingSample is an event that is held back; a nil event is none.
type pendingSample struct {
	event   *protocol.Event
	exclude uint64        // the connection that does not get it; 0 for none
	offset  uint64        // of the newest event in it, for the order
	policy  outbox.Policy // of its frame
}

// frame makes the event's frame in a dialect; nil if the dialect has no words for it.
func (p *pendingSample) frame(e Engine, d protocol.Dialect, s *Selection, now time.Time) *outbox.Frame {
	f := e.Encode(d, s.of(p.event, e, p.offset), now.UnixNano())
	f.Bind(p.policy, p.event.Topic, p.event.Key)
	return f
}

// byOffset orders samples by offset.
func byOffset(a, b pendingSample) int { return cmp.Compare(a.offset, b.offset) }

// maxThrottleKeys bounds the keys of one group; events of more keys pass at once.
const maxThrottleKeys = 16384

// sweepEvery is how often at most the throttle looks at all keys for room: otherwise each event of one key too many
// would make it do so.
const sweepEvery = 100 * time.Millisecond

// hold returns zero if the event may pass now; otherwise it holds the event back and returns when to release it.
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

// holds reports whether hold would hold an event of a key back.
func (t *throttle) holds(key throttleKey, now time.Time) bool {
	if t == nil || t.keys[key] == nil {
		return false
	}
	k := t.keys[key]
	return k.pending.event != nil || now.Before(k.next)
}

// hasRoom reports whether there is room for one more key. It may forget quiet keys for that.
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

// sweep forgets keys of which nothing is held back and the next event may pass, and reports whether there were any.
func (t *throttle) sweep(now time.Time) bool {
	before := len(t.keys)
	for key, k := range t.keys {
		if k.pending.event == nil && !now.Before(k.next) {
			delete(t.keys, key)
		}
	}
	return len(t.keys) < before
}

// release returns the events that are due, by offset, and holds them no more.
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

// pending returns the events that are held back, by offset. They stay held back.
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

// due returns when the next event is to be released, zero if none is held back.
func (t *throttle) due() (at time.Time) {
	for _, k := range t.keys {
		if k.pending.event != nil {
			at = earlier(at, k.next)
		}
	}
	return at
}

// earlier returns the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
