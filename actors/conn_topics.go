package actors

import (
	"context"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

// topicClient is a connection as topics know it: what it asks of them.
type topicClient struct{ *Conn }

// granted reports whether the topic may be subscribed to, by the right of who asks.
func (l topicClient) granted(cmd protocol.Subscribe) *protocol.Refusal {
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
func (l topicClient) attach(topic string, it *fanout.Filters, since protocol.Position, partial bool) (attached, *protocol.Refusal) {
	ctx, done := l.step()
	defer done()
	answer := mailbox.NewReply[attached]()
	wish := subscribe{l.Conn, it, since, partial, answer}
	if !l.tenant().topics.SendUnbounded(topic, wish) { // over the limit: one per connection waits
		l.tenant().topic(topic, wish)
	}
	return answer.Wait(ctx)
}

// detach takes the connection out of a topic.
func (l topicClient) detach(topic string) *protocol.Refusal {
	ctx, done := l.step()
	defer done()
	answer := mailbox.NewReply[protocol.Position]()
	if !l.tenant().topics.SendUnbounded(topic, unsubscribe{l.Conn, false, answer}) {
		return nil // it was never made
	}
	_, err := answer.Wait(ctx)
	return err
}

// release takes the connection out of a topic and returns where that stands; the zero position if it does not say.
func (l topicClient) release(ctx context.Context, topic string) protocol.Position {
	answer := mailbox.NewReply[protocol.Position]()
	if !l.tenant().topics.SendUnbounded(topic, unsubscribe{l.Conn, true, answer}) {
		return protocol.Position{}
	}
	at, _ := answer.Wait(ctx)
	return at
}
