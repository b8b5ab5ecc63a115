package fanout

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
)

// Host is a topic as its Batcher sees it. None of its methods blocks.
type Host interface {
	Engine
	// Count adds to the delivered events, and Replaced to those that newer ones replaced.
	Count(delivered int)
	Replaced(events int)
	// WindowEnds has the topic's actor call EndNumber. Any goroutine may call it.
	WindowEnds(number uint64)
	// FlushAt has the topic's actor call FlushDue at that time.
	FlushAt(due time.Time)
}

// Batcher has the events of a topic wait for more, so that each subscriber gets them in one write (policy.Batch). It
// belongs to the topic's actor. The zero Batcher is ready.
//
// An event has its place, is in the outboxes and is answered as without a window; only the transports sleep on until
// the window ends, or anything else wakes them. So order, exclusion, slow readers, resuming and the end of a connection
// need nothing of their own, for the price of one look at each subscriber when the window ends.
//
// It is different where subscribers are to hear only the newest event of each key: then the topic itself holds the
// events of a window (Hold). A connection that leaves the topic, or asks for its position, gets them first.
//
// Events wait for throttles, too: subscribers may want at most one every so often (FlushDue).
type Batcher struct {
	Subscribers

	window *Window // nil until an event waited
	// flushes are those that the host is going to ask for. Another is wanted only if it is earlier than all of them.
	flushes []time.Time
}

// Offer delivers an event now, or holds it back for the window's end. It returns how many subscribers will hear it.
func (b *Batcher) Offer(h Host, p *Delivery, offset uint64, now time.Time) (wanted int) {
	if p.Batch != nil && p.Batch.Latest {
		return b.offerLatest(h, p, offset, now)
	}
	if b.HoldsLatest() { // older events of a topic below with another rule
		b.End(h, now)
	}
	wanted, next := b.Deliver(h, p, offset, now)
	if p.Born != 0 { // the events of canaries do not count
		h.Count(wanted)
	}
	b.flushBy(h, next)
	if p.Batch != nil && wanted > 0 && b.openable(h).Add(p.Batch, now) {
		b.End(h, now)
	}
	return wanted
}

// offerLatest holds an event back until the window ends.
func (b *Batcher) offerLatest(h Host, p *Delivery, offset uint64, now time.Time) (wanted int) {
	wanted, replaced, full := b.Hold(h, p, offset)
	h.Replaced(replaced)
	if wanted > 0 {
		b.openable(h).Open(p.Batch, now)
	}
	if full {
		b.End(h, now)
	}
	return wanted
}

// openable returns the window, and makes it if there is none.
func (b *Batcher) openable(h Host) *Window {
	if b.window == nil {
		b.window = NewWindow(h.WindowEnds)
	}
	return b.window
}

// EndNumber ends the window with a number if it is still open.
func (b *Batcher) EndNumber(h Host, number uint64, now time.Time) {
	if b.window.Number() == number {
		b.End(h, now)
	}
}

// End delivers what the topic holds back, and wakes the transports for which events wait.
func (b *Batcher) End(h Host, now time.Time) {
	if b.window != nil { // a topic that failed may have offered its first event and have no window yet
		b.window.End(b.window.Number())
	}
	delivered, next := b.FlushLatest(h, now)
	h.Count(delivered)
	b.flushBy(h, next)
	b.FlushAll()
}

// Leave removes a subscriber. It gets first what waits for it here.
func (b *Batcher) Leave(h Host, o *outbox.Outbox) {
	h.Count(b.FlushLatestTo(h, o))
	b.Remove(o)
	o.Flush()
}

// FlushDue delivers what throttles held back and is due.
func (b *Batcher) FlushDue(h Host, due, now time.Time) {
	b.flushes = slices.DeleteFunc(b.flushes, due.Equal)
	delivered, next := b.Flush(h, now)
	h.Count(delivered)
	b.flushBy(h, next)
}

// flushBy asks for a flush at a time; the zero time is none.
func (b *Batcher) flushBy(h Host, due time.Time) {
	if due.IsZero() || slices.ContainsFunc(b.flushes, func(asked time.Time) bool { return !due.Before(asked) }) {
		return
	}
	b.flushes = append(b.flushes, due)
	h.FlushAt(due)
}
