package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/outbox"
)

// This file holds how the events of a topic wait for more, so that each subscriber gets them in one write
// (policy.Batch). An event has its place, is in the outboxes and is answered as without a window; only the transports
// sleep on until the window ends, or anything else wakes them. So order, exclusion, slow readers, resuming and the end
// of a connection need nothing of their own, for the price of one look at each subscriber when the window ends.
//
// Where subscribers are to hear only the newest event of each key, the topic itself holds the events of a window
// (fanout.Subscribers.Hold): a connection that leaves the topic gets them first.
//
// A parent topic goes by the rule of the topic that has the event, and has a window of its own for it.

// windowEnds ends a window of a topic, if it is still open.
type windowEnds struct{ number uint64 }

// deliver delivers an event now, or holds it back for the window's end. It returns how many subscribers will hear it.
func (t *topic) deliver(p *fanout.Delivery, offset uint64, now time.Time) (wanted int) {
	if p.Batch != nil && p.Batch.Latest {
		return t.hold(p, offset, now)
	}
	if t.subscribers.HoldsLatest() { // older events of a topic below with another rule
		t.endWindow(now)
	}
	wanted, next := t.subscribers.Deliver((*fanoutEngine)(t), p, offset, now)
	if p.Born != 0 { // the events of canaries do not count
		t.count(wanted)
	}
	t.flushBy(next)
	if p.Batch != nil && wanted > 0 && t.openable().Add(p.Batch, now) {
		t.endWindow(now)
	}
	return wanted
}

// hold holds an event back until the window ends.
func (t *topic) hold(p *fanout.Delivery, offset uint64, now time.Time) (wanted int) {
	wanted, replaced, full := t.subscribers.Hold(p, offset)
	t.tenant.backlog.Lost.Add(uint64(replaced))
	if wanted > 0 {
		t.openable().Open(p.Batch, now)
	}
	if full {
		t.endWindow(now)
	}
	return wanted
}

// openable returns the topic's window, and makes it if there is none.
func (t *topic) openable() *fanout.Window {
	if t.window == nil {
		t.window = fanout.NewWindow(func(number uint64) { t.box.SendUnbounded(windowEnds{number}) })
	}
	return t.window
}

// endWindow lets go what waits.
func (t *topic) endWindow(now time.Time) {
	if t.window == nil {
		return
	}
	t.window.End(t.window.Number())
	delivered, next := t.subscribers.FlushLatest((*fanoutEngine)(t), now)
	t.count(delivered)
	t.flushBy(next)
	t.subscribers.FlushAll()
}

// remove removes a subscriber. It gets first what waits for it here.
func (t *topic) remove(l *Conn) {
	t.count(t.subscribers.FlushLatestTo((*fanoutEngine)(t), &l.outbox))
	t.subscribers.Remove(&l.outbox)
	l.outbox.Flush()
}

// When says when an event wakes the transports that sleep.
func (e *fanoutEngine) When(p *fanout.Delivery) outbox.When {
	if p.Batch != nil {
		return outbox.Gathered
	}
	return e.tenant.node.eventWhen(p.Born)
}
