package fanout

import (
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// Ask asks whether a subscriber would get an event that has this offset, by what Deliver and Hold go by; nil says that
// it would. It delivers and holds nothing. mine is false where the subscriber is none, or gets the event by another
// topic.
func (s *Subscribers) Ask(
	e Engine, o *outbox.Outbox, d *Delivery, offset uint64, now time.Time, asked *decision.Record,
) (mine bool, err *protocol.Refusal) {
	at, ok := s.find(o)
	if !ok || at.group.filters.excepts(d.Event.Topic) {
		return false, nil
	}
	g := at.group
	selected, ok := g.filters.Select(d.Event)
	if !asked.Step(decision.Filter, ok) {
		return true, protocol.Refuse(protocol.NotFound, "the subscription does not want the event")
	}
	if selected.every > 0 {
		if held := g.throttle.holds(throttleKey{d.Event.Topic, d.Event.Key}, now); held {
			asked.Change(decision.Throttle, "at most one every "+selected.every.String())
		} else {
			asked.Text(decision.Throttle, selected.every.String(), true)
		}
	}
	f := d.Frame(e, g.dialect, selected.of(d.Event, e, offset))
	return true, AskFrame(o, d, f, g.dialect, asked)
}

// AskFrame asks whether a connection would get the frame of an event in its dialect; nil says that it would.
func AskFrame(
	o *outbox.Outbox, d *Delivery, f *outbox.Frame, dialect protocol.Dialect, asked *decision.Record,
) *protocol.Refusal {
	if !asked.Text(decision.Excluded, "", d.Exclude == 0 || o.Number() != d.Exclude) {
		return protocol.Refuse(protocol.Forbidden, "the publish excludes the connection")
	}
	if !asked.Text(decision.DialectWords, dialect.Name(), f != nil) {
		return protocol.Refuse(protocol.NotFound, "clients of %s are not told of this event", dialect.Name())
	}
	switch n, sheds := outbox.Room(o, f); {
	case n == outbox.RefusedClosed:
		asked.Text(decision.Connected, "ended", false)
		return protocol.Refuse(protocol.NotFound, "the connection has ended")
	case n == outbox.RefusedFull:
		asked.Step(decision.Slow, false)
		return &protocol.Refusal{Reason: protocol.Slow}
	case sheds:
		asked.Change(decision.Slow, "older events give way")
	default:
		asked.Step(decision.Slow, true)
	}
	return nil
}
