package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/taskqueue"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// published is the outcome of a publish by the client.
type published struct {
	command  protocol.Publish
	position protocol.Position
	err      *protocol.Refusal
}

// maxPublishing is how many publishes of one connection may wait for the one before them.
const maxPublishing = 32

// requests is the part of a connection that does what a backend could do as well: it publishes, and reads histories.
type requests struct{ *connection }

// do is connection.do for the commands of this part.
func (c requests) do(command protocol.Command) []protocol.Command {
	switch cmd := command.(type) {
	case protocol.ReadHistory:
		return c.session.Answer(cmd, c.readHistory(cmd))
	case protocol.ReadMembers:
		return c.session.Answer(cmd, c.readMembers(cmd))
	case protocol.Publish:
		if err := c.publish(cmd); err != nil {
			return c.session.Answer(cmd, protocol.Outcome{Now: time.Now(), Err: err})
		}
		return nil
	}
	panic("unknown command")
}

// publish begins a publish that the session asks for. Its outcome comes as a message, unless it is refused at once.
func (c requests) publish(cmd protocol.Publish) *protocol.Refusal {
	if err := c.mayPublish(cmd.Topic); err != nil {
		return err
	}
	if c.publishing == nil {
		c.publishing = &taskqueue.Queue{}
	}
	l, tenant, exclude := &c.Conn, c.tenant().name, ""
	if cmd.ExcludeSelf {
		exclude = l.ID()
	}
	room := c.publishing.Add(maxPublishing, c.node.system.Go, func() {
		ctx, done := l.step()
		defer done()
		at, err := l.node.asClient(ctx, tenant, cmd.Topic, exclude, cmd.Event)
		l.box.SendUnbounded(published{cmd, at, protocol.AsRefusal(err)})
	})
	if !room {
		return protocol.Refuse(protocol.Busy, "%d publishes of the connection wait already", maxPublishing)
	}
	return nil
}

// mayPublish returns nil if the client may publish to a topic: by its token, or by the topic's rule.
func (c requests) mayPublish(topic string) *protocol.Refusal {
	id := c.identity.Load()
	if id == nil {
		return protocol.Refuse(protocol.Unauthorized, "authenticate before publishing")
	}
	if err := protocol.CheckTopic(topic); err != nil {
		return protocol.AsRefusal(err)
	}
	if !protocol.Reserved(topic) {
		rule := policyOf(c.tenant().rules.Load(), topic)
		_, subscribed := c.subscriptions.Find(topic)
		maySubscribe := func() bool {
			return topicClient{&c.Conn}.granted(protocol.Subscribe{Topic: topic}, nil) == nil
		}
		if id.MayPublish(topic) || rule.AdmitsPublish(subscribed, maySubscribe) {
			return nil
		}
	}
	return protocol.Refuse(protocol.Forbidden, "neither the token nor the topic's rule lets a client publish to %s",
		protocol.Quote(topic))
}

// published tells the session the outcome of a publish. It follows the event itself.
func (c requests) published(m published) {
	if c.closing {
		return
	}
	c.afterEvents = true
	c.run(c.session.Answer(m.command, protocol.Outcome{Now: time.Now(), Position: m.position, Err: m.err}))
	c.flushSession()
}

// readMembers asks a topic who is present. It waits for the topic.
func (c requests) readMembers(cmd protocol.ReadMembers) (out protocol.Outcome) {
	if out.Err = (topicClient{&c.Conn}).granted(protocol.Subscribe{Topic: cmd.Topic}, nil); out.Err == nil {
		ctx, done := c.step()
		defer done()
		answer := mailbox.NewReply[[]protocol.Member]()
		if c.tenant().topics.Send(cmd.Topic, readMembers{answer}) {
			out.Members, out.Err = answer.Wait(ctx)
		}
	}
	out.Now = time.Now()
	return out
}

// readHistory asks a topic for past events. It waits for the topic.
func (c requests) readHistory(cmd protocol.ReadHistory) (out protocol.Outcome) {
	if out.Err = (topicClient{&c.Conn}).granted(protocol.Subscribe{Topic: cmd.Topic}, nil); out.Err == nil {
		ctx, done := c.step()
		defer done()
		answer := mailbox.NewReply[HistoryPage]()
		c.tenant().topic(cmd.Topic, readHistory{cmd.After, min(cmd.Limit, protocol.MaxHistory), cmd.Reverse, answer})
		var page HistoryPage
		page, out.Err = answer.Wait(ctx)
		out.Position, out.History = page.Position, page.Events
	}
	out.Now = time.Now()
	return out
}

// askSubscribe says whether the client may subscribe to a topic.
func askSubscribe(c *connection, topic string, asked *decision.Record) *protocol.Refusal {
	load, at := limit.Cost{limit.Subscribes: 1}, c.node.wheel.Since(time.Now())
	if err, _ := c.limits.Admit(c.tenant().limits, c.peer(), load, at, asked); err != nil {
		return err
	}
	if err := c.subscriptions.admits(&c.Conn, protocol.Subscribe{Topic: topic}, asked); err != nil {
		return err
	}
	return askTopic(c.tenant(), topic, asked)
}
