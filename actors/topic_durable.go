package actors

import (
	"errors"
	"fmt"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

// This file holds how a topic appends events. A topic in memory appends each event at once. A durable topic gives it to
// the store and goes on; the outcome comes as a message, in the order of the offsets, and only then the topic delivers
// the event and answers its publisher: each event that a subscriber gets was on disk before. Events on their way to the
// disk wait together (group commit), so a topic takes as many at a time as there are publishers.
//
// A durable parent topic gets each event of the topics below it, whether it has subscribers or not, since its readers
// may resume there; so a pattern that covers both stores the event twice. If the parent cannot store it, the publish
// fails though the topic below has it. Repeated with its id, the event is recognised below and goes to the parents that
// still lack it.

// appended is the outcome of an append to the store.
type appended struct {
	delivery *fanout.Delivery
	outcome  history.Outcome
	echoed   bool // the event came from a topic below
}

func (m appended) Refuse(err *protocol.Refusal) { m.delivery.Result.Fail(err) }

// open opens the topic's history. A durable one reads the disk, and is refused while the store is not open.
func (t *topic) open() *protocol.Refusal {
	if t.history != nil {
		return nil
	}
	store, refusal := t.node().durableStore()
	switch {
	case t.policy.Store == policy.Durable && refusal != nil:
		return refusal
	case t.policy.Store != policy.Durable || store == nil:
		t.memory = history.NewMemory(t.policy.History()).InEpoch(history.NewEpoch())
		t.history = t.memory
		return nil
	}
	disk, err := store.OpenTopic(t.tenant.name, t.name, t.policy.DurableRule())
	if err != nil {
		t.node().log.Error("a durable topic cannot be opened; the next who wants it tries again",
			"tenant", t.tenant.name, "topic", t.name, "cause", err)
		return &protocol.Refusal{Reason: protocol.Internal}
	}
	t.disk, t.history = disk, disk
	return nil
}

// setBounds applies the policy's bounds to the history.
func (t *topic) setBounds() {
	switch {
	case t.memory != nil:
		t.memory.SetBounds(t.policy.History())
	case t.disk != nil:
		if err := t.disk.SetRule(t.policy.DurableRule()); err != nil {
			t.node().log.Error("a durable topic stays with its old rule",
				"tenant", t.tenant.name, "topic", t.name, "cause", err)
		}
	}
}

// store gives an event to the store. The event is delivered when the store has answered.
func (t *topic) store(p *fanout.Delivery, now time.Time, echoed bool) {
	t.appending++
	t.disk.Add(p.Event, !p.Anonymous, now, func(o history.Outcome) { t.box.SendUnbounded(appended{p, o, echoed}) })
}

// appended delivers an event that the store has on disk.
func (t *topic) appended(m appended) {
	t.appending--
	t.history.Settle(m.outcome)
	p, now := m.delivery, t.node().now()
	switch {
	case m.outcome.Err != nil:
		p.Result.Fail(t.refusalOf(m.outcome.Err))
	case !m.outcome.Duplicate:
		if !m.echoed {
			t.forward(p, false)
		}
		t.delivered(p, m.outcome.Position.Offset, now, m.echoed)
	default:
		if !m.echoed {
			t.forward(p, true)
			p.Result.AlreadyStored(t.name, m.outcome.Position)
		}
		p.Result.Answer(0)
	}
}

// refusalOf is the refusal for the publisher of an event that was not stored. If the store's error is not a refusal, it
// goes into the log.
func (t *topic) refusalOf(err error) *protocol.Refusal {
	var refusal *protocol.Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	t.node().log.Error("an event could not be kept", "tenant", t.tenant.name, "topic", t.name, "cause", err)
	return &protocol.Refusal{Reason: protocol.Internal}
}

// delivered delivers an event that has its position to the subscribers, and answers its publisher.
func (t *topic) delivered(p *fanout.Delivery, offset uint64, now time.Time, echoed bool) {
	count := t.subscribers.Offer((*fanoutEngine)(t), p, offset, now)
	if !echoed && t.name != broadcastTopic {
		p.Result.SetPosition(t.name, t.history.Position())
	}
	p.Result.Answer(count)
}

// forward hands the event to the parent topics: those that exist, and those that are durable. The others have no
// subscriber and cost nothing. It ignores the limits of their mailboxes: the publisher waits for them, which bounds how
// many events there can be. An event that is known here goes only to durable ones, which know for themselves whether
// they have it. The tenant makes a durable one that has no actor; until it has handed over the event for which it did,
// the next ones go through it, too, so that they do not overtake that one.
func (t *topic) forward(p *fanout.Delivery, known bool) {
	for up := protocol.Parent(t.name); up != ""; up = protocol.Parent(up) {
		p.Result.Expect(1)
		m := propagate{p, known}
		behind := t.handedOver != nil && !t.handedOver.Done() && t.tenant.durable(up)
		switch {
		case !behind && t.tenant.topics.SendUnbounded(up, m):
		case behind || t.tenant.durable(up):
			t.tenant.box.SendUnbounded(toTopic{up, m})
			t.handedOver = p.Result
		default:
			p.Result.Answer(0)
		}
	}
}

// propagate is the other end of forward.
func (t *topic) propagate(m propagate) {
	p, now := m.delivery, t.node().now()
	switch {
	case t.memory == nil:
		t.store(p, now, true)
	case m.known: // it came the first time
		p.Result.Answer(0)
	default:
		t.delivered(p, t.memory.Append(p.Event, now), now, true)
	}
}

// lost is the refusal of a position that is not in the history.
func (t historyReader) lost(at protocol.Position, now time.Time) *protocol.Refusal {
	newest := t.history.Position()
	return protocol.Refuse(protocol.PositionLost,
		"the history of %s is in epoch %s and reaches from offset %d to %d; %d of epoch %s is not in it",
		protocol.Quote(t.name), newest.Epoch, t.history.Oldest(now)+1, newest.Offset,
		at.Offset, protocol.Quote(at.Epoch))
}

// unread is the refusal of a position after which the history cannot be read.
func (t historyReader) unread(err error, at protocol.Position, now time.Time) *protocol.Refusal {
	var damage *history.Damaged
	switch {
	case errors.Is(err, history.ErrLost):
		return t.lost(at, now)
	case errors.As(err, &damage):
		return protocol.Refuse(protocol.PositionLost,
			"event %d of %s is damaged and cannot be told; what is newer is behind offset %d",
			damage.Offset, protocol.Quote(t.name), damage.Offset)
	}
	t.node().log.Error("a history cannot be read", "tenant", t.tenant.name, "topic", t.name, "cause", err)
	detail := fmt.Sprintf("the history of %s cannot be read at the moment", protocol.Quote(t.name))
	return &protocol.Refusal{Reason: protocol.Internal, Detail: detail}
}

// fanoutEngine is a topic as its subscribers see it.
type fanoutEngine topic

func (e *fanoutEngine) Encode(d protocol.Dialect, to protocol.Delivery, born int64) *outbox.Frame {
	f := e.tenant.node.encoder.Encode(d, to, born)
	if taps := &e.tenant.node.taps; taps.Any() {
		taps.Encoded(e.tenant.name, e.name, d.Name(), f)
	}
	if faults := &e.tenant.node.faults; faults.Any() {
		faults.Mark(e.tenant.name, to.Event.Topic, f)
	}
	return f
}

func (e *fanoutEngine) Place(offset uint64) (topic string, at protocol.Position) {
	return e.name, protocol.Position{Epoch: e.history.Position().Epoch, Offset: offset}
}

func (e *fanoutEngine) TooSlow(o *outbox.Outbox) {
	if l := e.tenant.links.Get(o.Number()); l != nil {
		l.tooSlow()
	}
}
