package actors

import (
	"context"

	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// AskReceive asks whether a connection, by its id, would get an event that is published to a topic or to one user; nil
// says that it would. Whether the event may be published is another question (AskPublish). It waits for the topics, or
// the user, until ctx ends.
func (n *explainer) AskReceive(
	ctx context.Context, tenant, connection string, to Target, ev *protocol.Event, asked *decision.Record,
) *protocol.Refusal {
	t, err := n.tenants.lookup(tenant)
	if err != nil {
		return err
	}
	l := t.links.Get(info.ConnectionNumber(connection))
	if l == nil {
		if len(to.Users) > 0 && t.waits(ev) {
			asked.Change(decision.Inbox, "it waits there")
		}
		asked.Text(decision.Connected, connection, false)
		return protocol.Refuse(protocol.NotFound, "there is no such connection")
	}
	asked.Text(decision.Connected, l.ID(), true)
	if !asked.Step(decision.Login, l.identity.Load() != nil) {
		return protocol.Refuse(protocol.Unauthorized, "the client has not logged in")
	}
	question := func() mayDeliver {
		p, _ := to.Delivery(ev, info.ConnectionNumber(to.Exclude), n.now())
		if to.Topic != "" {
			p.Apply(policyOf(t.rules.Load(), to.Topic))
		}
		return mayDeliver{p, l, mailbox.NewReply[*decision.Record]()}
	}
	if to.Topic == "" {
		return askUser(ctx, t, to.Users[0], question(), asked)
	}
	return askTopics(ctx, t, to.Topic, question, asked)
}

// askUser asks a user about a delivery to a connection.
func askUser(
	ctx context.Context, t *tenantCore, name string, question mayDeliver, asked *decision.Record,
) *protocol.Refusal {
	if !t.users.SendUnbounded(name, question) {
		asked.Text(decision.Connected, name, false)
		return errGone
	}
	steps, err := question.Reply.Wait(ctx)
	asked.Append(steps)
	return err
}

// askTopics asks the topic of an event and those above about a delivery to a connection. One of them is responsible for
// the event; if none would give it to the connection, the first that says why decides.
func askTopics(
	ctx context.Context, t *tenantCore, topic string, question func() mayDeliver, asked *decision.Record,
) (first *protocol.Refusal) {
	var refused *decision.Record
	for ; topic != ""; topic = protocol.Parent(topic) {
		q := question()
		if !t.topics.SendUnbounded(topic, q) {
			continue
		}
		steps, err := q.Reply.Wait(ctx)
		switch {
		case steps == nil && err == nil: // it is not by this topic
		case err == nil || err.Reason == protocol.Conflict: // a repetition reaches none of them
			asked.Append(steps)
			return err
		case first == nil:
			first, refused = err, steps
		}
	}
	if asked.Append(refused); first == nil {
		asked.Step(decision.Subscription, false)
		first = protocol.Refuse(protocol.NotFound, "the connection is not subscribed to the topic")
	}
	return first
}
