package actors

import (
	"context"
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// This is the part of a connection that keeps its topics told of what it wants. See interests for what that is.

// subscribe returns where the topic stood, if the connection was attached to it for this.
func (c *connection) subscribe(cmd protocol.Subscribe) (protocol.Position, *protocol.Refusal) {
	var at protocol.Position
	now := time.Now()
	if why, struck := c.intake.admit(&c.Link, load{ofSubscribes: 1}, now); why != nil {
		if struck && c.intake.strikesOut(&c.Link, now) {
			c.end(end{why: why})
		}
		return at, why
	}
	if why := c.granted(cmd); why != nil {
		return at, why
	}
	before, known := c.interests.find(cmd.Topic)
	if cmd.Since != at && c.interests.covered(cmd.Topic) {
		return at, protocol.Refuse(protocol.Conflict, "%s is heard already, so nothing of it was missed; unsubscribe before resuming it or a topic below", protocol.Quote(cmd.Topic))
	}
	if most := c.dialect().Limits().Subscriptions; most > 0 && !known && c.interests.count() >= most {
		return at, protocol.Refuse(protocol.TooMany, "the connection has %d subscriptions, which is the limit (subscriptions)", most)
	}
	changes := c.interests.add(cmd.Topic, cmd.Filter, cmd.As != nil)
	if i := slices.IndexFunc(changes, func(ch change) bool { return ch.topic == cmd.Topic }); i >= 0 {
		changes[i].since, changes[i].at = cmd.Since, &at
	}
	c.outbox.hold() // the answer comes before the first event
	told, why := c.tell(changes)
	if why == nil {
		if !known {
			c.subscribed(false, cmd.Topic)
		}
		return at, nil
	}
	var back []change
	if known {
		var filter protocol.Filter
		if before.filter != nil {
			filter = *before.filter
		}
		back = c.interests.add(cmd.Topic, filter, before.lent)
	} else {
		back = c.interests.remove(cmd.Topic, false)
	}
	c.settle(slices.DeleteFunc(back, func(ch change) bool { return !slices.Contains(told, ch.topic) }))
	return at, why
}

// granted reports whether the topic may be subscribed to, by the right of who asks.
func (c *connection) granted(cmd protocol.Subscribe) *protocol.Refusal {
	id := c.identity.Load()
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
	if c.node.rights == nil || hidden(c.tenant().name) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.node.cfg.PublishWait)
	defer cancel()
	return protocol.AsRefusal(c.node.rights.Authorize(ctx, c.tenant().name, id, cmd.Topic))
}

func (c *connection) unsubscribe(topic string, below bool) {
	before := c.wantedNow()
	c.settle(c.interests.remove(topic, below))
	c.unsubscribed(before)
}

// settle tells changes that cannot be refused. If a topic refuses one nevertheless, the connection ends: it would miss
// events without a word.
func (c *connection) settle(changes []change) {
	if _, why := c.tell(changes); why != nil {
		c.end(end{why: why})
	}
}

// tell makes changes known to their topics and returns those that took them, and the first refusal. It waits for each
// topic: only so does none deliver what is another's by now.
func (c *connection) tell(changes []change) (told []string, first *protocol.Refusal) {
	for _, ch := range changes {
		var why *protocol.Refusal
		if ch.interest == nil {
			why = c.detach(ch.topic)
		} else {
			var got attached
			if got, why = c.attach(ch.topic, ch.interest, ch.since, false); ch.at != nil {
				*ch.at = got.at
			}
		}
		if why == nil {
			told = append(told, ch.topic)
		} else if first == nil {
			first = why
		}
	}
	return told, first
}

// attach gives a topic an interest of the connection; see subscribe in topic.go for since and partial.
func (c *connection) attach(topic string, it *interest, since protocol.Position, partial bool) (attached, *protocol.Refusal) {
	ctx, cancel := context.WithTimeout(context.Background(), c.node.cfg.PublishWait)
	defer cancel()
	answer := newReply[attached]()
	wish := subscribe{&c.Link, it, since, partial, answer}
	if !c.tenant().topics.force(topic, wish) { // over the limit: one per connection waits
		c.tenant().topic(topic, wish)
	}
	return answer.wait(ctx)
}

func (c *connection) detach(topic string) *protocol.Refusal {
	ctx, cancel := context.WithTimeout(context.Background(), c.node.cfg.PublishWait)
	defer cancel()
	answer := newReply[protocol.Position]()
	if !c.tenant().topics.force(topic, unsubscribe{&c.Link, false, answer}) {
		return nil // it was never made
	}
	_, why := answer.wait(ctx)
	return why
}
