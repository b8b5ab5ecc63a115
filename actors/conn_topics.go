package actors

import (
	"context"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

// topicClient is the part of a connection that sends requests to topics and waits for their answers.
type topicClient struct{ *Conn }

// granted returns nil if cmd's topic may be subscribed to, by cmd.As or else by the connection's own identity. It may
// ask the authenticator, and then waits for at most Config.RequestTimeout.
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

// attach subscribes the connection to a topic with these filters, or replaces its filters there; see subscribe in
// topic.go for since and partial.
func (l topicClient) attach(
	topic string, it *fanout.Filters, since protocol.Position, partial bool,
) (attached, *protocol.Refusal) {
	ctx, done := l.step()
	defer done()
	answer := mailbox.NewReply[attached]()
	wish := subscribe{l.Conn, it, since, partial, answer}
	if !l.tenant().topics.SendUnbounded(topic, wish) { // unbounded: at most one for each connection waits
		l.tenant().topic(topic, wish)
	}
	return answer.Wait(ctx)
}

// detach unsubscribes the connection from a topic.
func (l topicClient) detach(topic string) *protocol.Refusal {
	ctx, done := l.step()
	defer done()
	answer := mailbox.NewReply[protocol.Position]()
	if !l.tenant().topics.SendUnbounded(topic, unsubscribe{l.Conn, false, answer}) {
		return nil // the topic was never made
	}
	_, err := answer.Wait(ctx)
	return err
}

// release unsubscribes the connection from a topic and returns the topic's position; the zero position if the topic
// does not answer.
func (l topicClient) release(ctx context.Context, topic string) protocol.Position {
	answer := mailbox.NewReply[protocol.Position]()
	if !l.tenant().topics.SendUnbounded(topic, unsubscribe{l.Conn, true, answer}) {
		return protocol.Position{}
	}
	at, _ := answer.Wait(ctx)
	return at
}
