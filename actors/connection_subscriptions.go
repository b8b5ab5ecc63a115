package actors

import (
	"context"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

// subscriptions is what a connection hears: its interests, of which it keeps the topics told. It belongs to the connection's
// actor, and knows no session: where a connection has to end, it says so.
type subscriptions struct{ fanout.Subscriptions }

// subscribe returns where the topic stood, if the connection was attached to it for this. by is the right that it goes
// by, nil for the connection's own. broken is why the connection has to end, see tell.
func (h *subscriptions) subscribe(l *Conn, cmd protocol.Subscribe, by *grant.Grant) (at protocol.Position, why, broken *protocol.Refusal) {
	if why = l.granted(cmd); why != nil {
		return at, why, nil
	}
	before, known := h.Find(cmd.Topic)
	if cmd.Since != at && h.Covered(cmd.Topic) {
		return at, protocol.Refuse(protocol.Conflict, "%s is heard already, so nothing of it was missed; unsubscribe before resuming it or a topic below", protocol.Quote(cmd.Topic)), nil
	}
	if most := l.dialect().Limits().Subscriptions; most > 0 && !known && h.Count() >= most {
		return at, protocol.Refuse(protocol.TooMany, "the connection has %d subscriptions, which is the limit (subscriptions)", most), nil
	}
	changes := h.Add(cmd.Topic, cmd.Filter, by)
	if i := slices.IndexFunc(changes, func(ch fanout.Change) bool { return ch.Topic == cmd.Topic }); i >= 0 {
		changes[i].Since, changes[i].At = cmd.Since, &at
	}
	l.outbox.Hold() // the answer comes before the first event
	told, why := h.apply(l, changes)
	if why != nil {
		broken = h.rollback(l, cmd.Topic, before, told)
	}
	return at, why, broken
}

// goBack makes a topic's subscription what it was before, with those topics that were told of another. The zero rule is
// none.
func (h *subscriptions) rollback(l *Conn, topic string, before fanout.Subscription, told []string) (broken *protocol.Refusal) {
	var back []fanout.Change
	if before.Wanted {
		var filter protocol.Filter
		if before.Filter != nil {
			filter = *before.Filter
		}
		back = h.Add(topic, filter, before.Right)
	} else {
		back = h.Remove(topic, false)
	}
	_, broken = h.apply(l, slices.DeleteFunc(back, func(ch fanout.Change) bool { return !slices.Contains(told, ch.Topic) }))
	return broken
}

// unsubscribe drops a subscription, with below also those to topics under it.
func (h *subscriptions) unsubscribe(l *Conn, topic string, below bool) (broken *protocol.Refusal) {
	_, broken = h.apply(l, h.Remove(topic, below))
	return broken
}

// leave detaches from all topics, and waits for none.
func (h *subscriptions) leave(l *Conn) {
	for _, topic := range h.Attached() {
		l.tenant().topics.SendUnbounded(topic, unsubscribe{link: l})
	}
	h.Subscriptions = nil
}

// tell makes changes known to their topics and returns those that took them, and the first refusal. It waits for each
// topic: only so does none deliver what is another's by now. If one refuses what cannot be refused, the connection has
// to end: it would miss events without a word.
func (h *subscriptions) apply(l *Conn, changes []fanout.Change) (told []string, first *protocol.Refusal) {
	for _, ch := range changes {
		var why *protocol.Refusal
		if ch.Filters == nil {
			why = l.detach(ch.Topic)
		} else {
			var got attached
			if got, why = l.attach(ch.Topic, ch.Filters, ch.Since, false); ch.At != nil {
				*ch.At = got.at
			}
		}
		if why == nil {
			told = append(told, ch.Topic)
		} else if first == nil {
			first = why
		}
	}
	return told, first
}

// subscribe does what the session asks for, and tells of it.
func (c *connection) subscribe(cmd protocol.Subscribe) (protocol.Position, *protocol.Refusal) {
	now := time.Now()
	if why, struck := c.admit(limit.Load{limit.Subscribes: 1}, now); why != nil {
		if struck && c.limits.Strike(c.node.wheel.Since(now)) {
			c.end(endConnection{why: why})
		}
		return protocol.Position{}, why
	}
	before, known := c.subscriptions.Find(cmd.Topic)
	var by *grant.Grant
	if cmd.As != nil {
		more, why := c.borrow(cmd.As)
		if why != nil {
			return protocol.Position{}, why
		}
		if by = before.Right.With(more); known && before.Right == nil {
			by = nil // it stands on the connection's own
		}
	}
	at, why, broken := c.subscriptions.subscribe(&c.Conn, cmd, by)
	c.endIf(broken)
	c.expireBy(by)
	if why == nil && !known {
		c.registration.subscribed(&c.Conn, false, cmd.Topic)
	}
	return at, why
}

// unsubscribe drops a subscription, and tells of it.
func (c *connection) unsubscribe(topic string, below bool) {
	var before []string
	if c.registration.emits(&c.Conn) {
		before = c.subscriptions.Wanted()
	}
	c.endIf(c.subscriptions.unsubscribe(&c.Conn, topic, below))
	c.registration.unsubscribed(&c.Conn, before, c.subscriptions.Subscriptions)
}

// narrow ends the subscriptions by the connection's own right that its new identity does not grant, and returns their
// topics. One whose right cannot be looked up now stays: its user had it before.
func (c *connection) dropForbidden() (lost []string) {
	for _, topic := range c.subscriptions.Wanted() {
		if r, _ := c.subscriptions.Find(topic); r.Right != nil {
			continue
		}
		if why := c.granted(protocol.Subscribe{Topic: topic}); why != nil && why.Reason == protocol.Forbidden {
			c.unsubscribe(topic, false)
			lost = append(lost, topic)
		}
	}
	return lost
}

// granted reports whether the topic may be subscribed to, by the right of who asks.
func (l *Conn) granted(cmd protocol.Subscribe) *protocol.Refusal {
	id := l.identity.Load()
	if id == nil {
		return protocol.Refuse(protocol.Unauthorized, "authenticate before subscribing")
	}
	if cmd.As != nil {
		id = cmd.As
	}
	if err := protocol.CheckTopic(cmd.Topic); err != nil {
		return protocol.AsRefusal(err)
	}
	if !id.May(cmd.Topic) || protocol.Reserved(cmd.Topic) {
		return protocol.Refuse(protocol.Forbidden, "the token does not grant %s", protocol.Quote(cmd.Topic))
	}
	if l.node.rights == nil || isInternal(l.tenant().name) {
		return nil
	}
	ctx, done := l.request()
	defer done()
	return protocol.AsRefusal(l.node.rights.Authorize(ctx, l.tenant().name, id, cmd.Topic))
}

// attach gives a topic an interest of the connection; see subscribe in topic.go for since and partial.
func (l *Conn) attach(topic string, it *fanout.Filters, since protocol.Position, partial bool) (attached, *protocol.Refusal) {
	ctx, done := l.step()
	defer done()
	answer := mailbox.NewReply[attached]()
	wish := subscribe{l, it, since, partial, answer}
	if !l.tenant().topics.SendUnbounded(topic, wish) { // over the limit: one per connection waits
		l.tenant().topic(topic, wish)
	}
	return answer.Wait(ctx)
}

// detach takes the connection out of a topic.
func (l *Conn) detach(topic string) *protocol.Refusal {
	ctx, done := l.step()
	defer done()
	answer := mailbox.NewReply[protocol.Position]()
	if !l.tenant().topics.SendUnbounded(topic, unsubscribe{l, false, answer}) {
		return nil // it was never made
	}
	_, why := answer.Wait(ctx)
	return why
}

// release takes the connection out of a topic and returns where that stands; the zero position if it does not say.
func (l *Conn) release(ctx context.Context, topic string) protocol.Position {
	answer := mailbox.NewReply[protocol.Position]()
	if !l.tenant().topics.SendUnbounded(topic, unsubscribe{l, true, answer}) {
		return protocol.Position{}
	}
	at, _ := answer.Wait(ctx)
	return at
}
