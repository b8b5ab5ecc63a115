package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// This file holds how the events of a topic wait for more, so that each subscriber gets them in one write
// (policy.Batch). An event has its place, is in the outboxes and is answered as without a window; only the transports
// sleep on until the window ends, or anything else wakes them. So order, exclusion, slow readers, resuming and the end
// of a connection need nothing of their own, for the price of one look at each subscriber when the window ends.
//
// It is different where subscribers are to hear only the newest event of each key: the topic itself holds the events
// of a window (fanout.Subscribers.Hold). A connection that leaves the topic, or asks for its position, gets them first;
// one that ends waits for them (subscriptions.collect).
//
// Events wait for throttles, too: subscribers may want at most one every so often (flush).
//
// A parent topic goes by the rule of the topic that has the event, and has a window of its own for it.

// windowEnds ends a window of a topic, if it is still open.
type windowEnds struct{ number uint64 }

// batcher is the part of a topic that has events wait.
type batcher struct{ *topic }

// deliver delivers an event now, or holds it back for the window's end. It returns how many subscribers will hear it.
func (t batcher) deliver(p *fanout.Delivery, offset uint64, now time.Time) (wanted int) {
	if p.Batch != nil && p.Batch.Latest {
		return t.deliverLatest(p, offset, now)
	}
	if t.subscribers.HoldsLatest() { // older events of a topic below with another rule
		t.endWindow(now)
	}
	wanted, next := t.subscribers.Deliver((*fanoutEngine)(t.topic), p, offset, now)
	if p.Born != 0 { // the events of canaries do not count
		t.count(wanted)
	}
	t.flushBy(next)
	if p.Batch != nil && wanted > 0 && t.openable().Add(p.Batch, now) {
		t.endWindow(now)
	}
	return wanted
}

// deliverLatest holds an event back until the window ends.
func (t batcher) deliverLatest(p *fanout.Delivery, offset uint64, now time.Time) (wanted int) {
	wanted, replaced, full := t.subscribers.Hold((*fanoutEngine)(t.topic), p, offset)
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
func (t batcher) openable() *fanout.Window {
	if t.window == nil {
		t.window = fanout.NewWindow(func(number uint64) { t.box.SendUnbounded(windowEnds{number}) })
	}
	return t.window
}

// windowEnds ends the window with a number if it is still open.
func (t batcher) windowEnds(number uint64) {
	if t.window.Number() == number {
		t.endWindow(t.node().now())
	}
}

// endWindow delivers what the topic holds back, and wakes the transports for which events wait.
func (t batcher) endWindow(now time.Time) {
	if t.window != nil { // a topic that failed may have offered its first event and have no window yet
		t.window.End(t.window.Number())
	}
	delivered, next := t.subscribers.FlushLatest((*fanoutEngine)(t.topic), now)
	t.count(delivered)
	t.flushBy(next)
	t.subscribers.FlushAll()
}

// setMember says by which member a connection is present, nil for none, and delivers who left and who joined by that.
func (t batcher) setMember(l *Conn, m *protocol.Member, now time.Time) {
	for _, ev := range t.tracker.Set(t.name, l.number(), m, now) {
		if t.subscribers.HoldsLatest() { // what happened before is heard before
			t.endWindow(now)
		}
		news := fanout.NewDelivery(ev, true)
		news.Exclude, news.Born = l.number(), now.UnixNano()
		delivered, _ := t.subscribers.Deliver((*fanoutEngine)(t.topic), news, t.history.Position().Offset, now)
		t.count(delivered)
	}
}

// remove removes a subscriber. It gets first what waits for it here.
func (t batcher) remove(l *Conn) {
	t.setMember(l, nil, t.node().now())
	t.count(t.subscribers.FlushLatestTo((*fanoutEngine)(t.topic), &l.outbox))
	t.subscribers.Remove(&l.outbox)
	l.outbox.Flush()
}

// When says when an event wakes the transports that sleep.
func (e *fanoutEngine) When(p *fanout.Delivery) outbox.When {
	if p.Batch != nil {
		return outbox.Batched
	}
	return e.tenant.node.eventWhen(p.Born)
}

// flush delivers what throttles held back and is due.
func (t batcher) flush(m flush) {
	t.flushes = slices.DeleteFunc(t.flushes, m.due.Equal)
	delivered, next := t.subscribers.Flush((*fanoutEngine)(t.topic), t.node().now())
	t.count(delivered)
	t.flushBy(next)
}

// flushBy has the wheel send a flush at a time; the zero time is none.
func (t batcher) flushBy(due time.Time) {
	if due.IsZero() || slices.ContainsFunc(t.flushes, func(asked time.Time) bool { return !due.Before(asked) }) {
		return
	}
	t.flushes = append(t.flushes, due)
	t.node().wheel.Schedule(due, flushing{t.topic, due})
}

// flushing is the timer of a flush.
type flushing struct {
	topic *topic
	due   time.Time
}

func (f flushing) Fire() { f.topic.box.SendUnbounded(flush{f.due}) }
