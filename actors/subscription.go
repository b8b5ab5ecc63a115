package actors

import (
	"context"
	"slices"

	"github.com/parley-realtime/parley/protocol"
)

// This is the part of a connection that keeps its topics told of what it wants. See interests for what that is.

func (c *connection) subscribe(cmd protocol.Subscribe) *protocol.Refusal {
	if why := c.granted(cmd); why != nil {
		return why
	}
	if most := c.dialect().Limits().Subscriptions; most > 0 && len(c.interests.wanted) >= most && !c.interests.wants(cmd.Topic) {
		return protocol.Refuse(protocol.TooMany, "the connection has %d subscriptions, which is the limit (subscriptions)", most)
	}
	before, known := c.interests.find(cmd.Topic)
	told, why := c.tell(c.interests.add(cmd.Topic, cmd.Filter, cmd.As != nil))
	if why == nil {
		return nil
	}
	var back []change
	if known {
		back = c.interests.add(cmd.Topic, before.filter, before.lent)
	} else {
		back = c.interests.remove(cmd.Topic, false)
	}
	c.settle(slices.DeleteFunc(back, func(ch change) bool { return !slices.Contains(told, ch.topic) }))
	return why
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
	if !id.May(cmd.Topic) {
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
	c.settle(c.interests.remove(topic, below))
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
			why = c.attach(ch.topic, ch.interest)
		}
		if why == nil {
			told = append(told, ch.topic)
		} else if first == nil {
			first = why
		}
	}
	return told, first
}

func (c *connection) attach(topic string, it *interest) *protocol.Refusal {
	ctx, cancel := context.WithTimeout(context.Background(), c.node.cfg.PublishWait)
	defer cancel()
	answer := newReply[struct{}]()
	wish := subscribe{c.Link, it, answer}
	if !c.tenant().topics.force(topic, wish) { // over the limit: one per connection waits
		c.tenant().topic(topic, wish)
	}
	_, why := answer.wait(ctx)
	return why
}

func (c *connection) detach(topic string) *protocol.Refusal {
	ctx, cancel := context.WithTimeout(context.Background(), c.node.cfg.PublishWait)
	defer cancel()
	answer := newReply[struct{}]()
	if !c.tenant().topics.force(topic, unsubscribe{c.Link, answer}) {
		return nil // it was never made
	}
	_, why := answer.wait(ctx)
	return why
}

func (c *connection) topics() []string {
	var all []string
	for _, r := range c.interests.wanted {
		all = append(all, r.topic)
	}
	return all
}
