package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// windowEnds ends a window of a topic, if it is still open (fanout.Batcher).
type windowEnds struct{ number uint64 }

// batcher is the part of a topic that has events wait. A parent topic goes by the rule of the topic that has the event,
// and has a window of its own for it.
type batcher struct{ *topic }

// setMember says by which member a connection is present, nil for none, and delivers who left and who joined by that.
func (t batcher) setMember(l *Conn, m *protocol.Member, now time.Time) {
	for _, ev := range t.tracker.Set(t.name, l.number(), m, now) {
		if t.subscribers.HoldsLatest() { // what happened before is heard before
			t.subscribers.End((*fanoutEngine)(t.topic), now)
		}
		news := fanout.NewDelivery(ev, true)
		news.Exclude, news.Born = l.number(), now.UnixNano()
		delivered, _ := t.subscribers.Deliver((*fanoutEngine)(t.topic), news, t.history.Position().Offset, now)
		t.count(delivered)
	}
}

// remove removes a subscriber.
func (t batcher) remove(l *Conn) {
	t.setMember(l, nil, t.node().now())
	t.subscribers.Leave((*fanoutEngine)(t.topic), &l.outbox)
}

// When says when an event wakes the transports that sleep.
func (e *fanoutEngine) When(p *fanout.Delivery) outbox.When {
	when := e.tenant.node.eventWhen(p.Born)
	if p.Batch != nil && when != outbox.Injected {
		return outbox.Batched
	}
	return when
}

func (e *fanoutEngine) Count(delivered int)      { (*topic)(e).count(delivered) }
func (e *fanoutEngine) Replaced(events int)      { e.tenant.backlog.Lost.Add(uint64(events)) }
func (e *fanoutEngine) WindowEnds(number uint64) { e.box.SendUnbounded(windowEnds{number}) }
func (e *fanoutEngine) FlushAt(due time.Time) {
	e.tenant.node.wheel.Schedule(due, flushing{(*topic)(e), due})
}

// flushing is the timer of a flush.
type flushing struct {
	topic *topic
	due   time.Time
}

func (f flushing) Fire() { f.topic.box.SendUnbounded(flush{f.due}) }
