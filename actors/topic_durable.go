package actors

import (
	"errors"
	"fmt"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

// This is the part of a topic that has its events kept. A topic in memory has each event kept at once. A durable one
// gives it to the store and goes on; the answer comes as a message, in the order of the offsets, and only then the event
// is delivered and its publisher answered: what a subscriber hears was on disk before. Events on their way to the disk
// wait together (group commit), so a topic takes as many at a time as there are publishers.
//
// A durable topic above another is given each event of it, whether anybody listens or not, since its readers may resume
// there; so a pattern that covers both costs two places on the disk. If the one above cannot keep it, the publish fails
// though the one below has it; repeated with its id, it is recognised below and goes to those above that still lack it.

// kept says what became of an event that the store was given.
type appended struct {
	delivery *fanout.Delivery
	outcome  history.Outcome
	echoed   bool // it came from a topic below
}

func (m appended) Refuse(err *protocol.Refusal) { m.delivery.Result.Fail(err) }

// open opens the topic's history. A durable one reads the disk, and is refused while there is none to read.
func (t *topic) open() *protocol.Refusal {
	if t.history != nil {
		return nil
	}
	store, why := t.node().durableStore()
	switch {
	case t.policy.Store == policy.Durable && why != nil:
		return why
	case t.policy.Store != policy.Durable || store == nil:
		t.memory = history.NewMemory(t.policy.History()).InEpoch(newEpoch())
		t.history = t.memory
		return nil
	}
	disk, err := store.OpenTopic(t.tenant.name, t.name, t.policy.DurableRule())
	if err != nil {
		t.node().log.Error("a durable topic cannot be opened; the next who wants it tries again", "tenant", t.tenant.name, "topic", t.name, "cause", err)
		return &protocol.Refusal{Reason: protocol.Internal}
	}
	t.disk, t.history = disk, disk
	return nil
}

// bound lets the history obey the topic's terms.
func (t *topic) setBounds() {
	switch {
	case t.memory != nil:
		t.memory.SetBounds(t.policy.History())
	case t.disk != nil:
		if err := t.disk.SetRule(t.policy.DurableRule()); err != nil {
			t.node().log.Error("a durable topic stays with its old rule", "tenant", t.tenant.name, "topic", t.name, "cause", err)
		}
	}
}

// keep gives an event to the store. It is delivered when that has answered.
func (t *topic) store(p *fanout.Delivery, now time.Time, echoed bool) {
	t.appending++
	t.disk.Add(p.Event, !p.Anonymous, now, func(o history.Outcome) { t.box.SendUnbounded(appended{p, o, echoed}) })
}

// kept delivers what the store has.
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

// unkept is what a publisher is told of an event that was not kept. What the store does not say in words for a publisher
// goes into the log.
func (t *topic) refusalOf(err error) *protocol.Refusal {
	var why *protocol.Refusal
	if errors.As(err, &why) {
		return why
	}
	t.node().log.Error("an event could not be kept", "tenant", t.tenant.name, "topic", t.name, "cause", err)
	return &protocol.Refusal{Reason: protocol.Internal}
}

// delivered gives an event that has its place to the subscribers, and answers.
func (t *topic) delivered(p *fanout.Delivery, offset uint64, now time.Time, echoed bool) {
	out := t.subscribers.Deliver(t.node().encoder(), p, offset, now)
	t.settle(out, p.Born != 0) // a canary's is no figure
	if !echoed && t.name != broadcastTopic {
		p.Result.SetPosition(t.name, t.history.Position())
	}
	p.Result.Answer(out.Count)
}

// forward hands the event to the topics above: those that exist, and those that are durable. Others have no listener and
// cost nothing. It is done over their mailboxes' limits: the publisher waits for them, which bounds how many there can be.
// An event that is known here goes only to durable ones, which know for themselves whether they have it.
func (t *topic) forward(p *fanout.Delivery, known bool) {
	for up := protocol.Parent(t.name); up != ""; up = protocol.Parent(up) {
		p.Result.Expect(1)
		m := propagate{p, known}
		switch {
		case t.tenant.topics.SendUnbounded(up, m):
		case t.tenant.durable(up):
			t.tenant.box.SendUnbounded(toTopic{up, m})
		default:
			p.Result.Answer(0)
		}
	}
}

// echo is forward's other end.
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

// lost is the refusal of a position.
func (t historyReader) lost(at protocol.Position, now time.Time) *protocol.Refusal {
	newest := t.history.Position()
	return protocol.Refuse(protocol.PositionLost, "the history of %s is in epoch %s and reaches from offset %d to %d; %d of epoch %s is not in it",
		protocol.Quote(t.name), newest.Epoch, t.history.Oldest(now)+1, newest.Offset, at.Offset, protocol.Quote(at.Epoch))
}

// unread is the refusal of a position behind which the history cannot be read.
func (t historyReader) unread(err error, at protocol.Position, now time.Time) *protocol.Refusal {
	var damage *history.Damaged
	switch {
	case errors.Is(err, history.ErrLost):
		return t.lost(at, now)
	case errors.As(err, &damage):
		return protocol.Refuse(protocol.PositionLost, "event %d of %s is damaged and cannot be told; what is newer is behind offset %d",
			damage.Offset, protocol.Quote(t.name), damage.Offset)
	}
	t.node().log.Error("a history cannot be read", "tenant", t.tenant.name, "topic", t.name, "cause", err)
	return &protocol.Refusal{Reason: protocol.Internal, Detail: fmt.Sprintf("the history of %s cannot be read at the moment", protocol.Quote(t.name))}
}
