package dialecttest

import (
	"slices"

	"github.com/parley-realtime/parley/protocol"
)

// position is where the newest event of a topic stands.
func (e *Engine) position(topic string) protocol.Position {
	return protocol.Position{Epoch: "epoch", Offset: uint64(len(e.past[topic]))}
}

// publish gives an event to its topic and those above, and to all connections that want it but one.
func (e *Engine) publish(ev *protocol.Event, except *Connection) protocol.Position {
	for up := ev.Topic; up != ""; up = protocol.Parent(up) {
		e.past[up] = append(e.past[up], protocol.Past{Event: ev, Offset: e.position(up).Offset + 1})
	}
	for _, c := range slices.Clone(e.alive()) {
		if c.identity != nil && c != except {
			c.hear(ev)
		}
	}
	return e.position(ev.Topic)
}

// publish does a publish of the client, which its identity has to grant.
func (c *Connection) publish(command protocol.Publish) (outcome protocol.Outcome) {
	if c.identity == nil || !c.identity.MayPublish(command.Topic) {
		outcome.Err = protocol.Refuse(protocol.Forbidden, "the token does not grant to publish")
		return outcome
	}
	var except *Connection
	if command.ExcludeSelf {
		except = c
	}
	outcome.Position = c.engine.publish(command.Event.At(command.Topic), except)
	return outcome
}

// readHistory reads what a topic remembers, which is all.
func (c *Connection) readHistory(command protocol.ReadHistory) (outcome protocol.Outcome) {
	after := command.After
	outcome.Position = c.engine.position(command.Topic)
	switch {
	case c.identity == nil || !c.identity.May(command.Topic):
		outcome.Err = protocol.Refuse(protocol.Forbidden, "the token does not grant the topic")
		return outcome
	case after != (protocol.Position{}) && after.Epoch != outcome.Position.Epoch:
		outcome.Err = protocol.Refuse(protocol.PositionLost, "")
		return outcome
	}
	past := slices.Clone(c.engine.past[command.Topic])
	wanted := func(p protocol.Past) bool { return p.Offset > after.Offset }
	if command.Reverse {
		slices.Reverse(past)
		wanted = func(p protocol.Past) bool { return after.Offset == 0 || p.Offset < after.Offset }
	}
	past = slices.DeleteFunc(past, func(p protocol.Past) bool { return !wanted(p) })
	outcome.History = past[:min(len(past), command.Limit)]
	return outcome
}

// replay brings past events of a subscription's topic.
func (c *Connection) replay(s *subscription, past []protocol.Past) {
	for _, p := range past {
		if view, wanted := s.selects(p.Event); wanted {
			c.deliver(s.delivery(c.engine, p.Event, view, p.Offset))
		}
	}
}
