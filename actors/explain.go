package actors

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// explainer has the calls that ask how the engine would decide. They run the code that decides, count nothing, and
// record the rules; nil admits.
type explainer struct {
	*services
	tenants *tenants
}

// AskLogin asks whether a connection that came to a tenant may be of an identity. It waits for the user until ctx
// ends.
func (n *explainer) AskLogin(
	ctx context.Context, tenant string, d protocol.Dialect, id *protocol.Identity, asked *decision.Record,
) *protocol.Refusal {
	t, err := n.tenants.lookup(tenant)
	if err != nil {
		return err
	}
	if id.Tenant != "" && id.Tenant != tenant { // the token says whose the connection is
		if t, err = n.tenants.lookup(id.Tenant); err != nil {
			return err
		}
		at := t.placement(d)
		if err := at.admits(t.connections.Load(), at.active.Load(), asked); err != nil {
			return err
		}
	}
	now := time.Now()
	if !asked.Step(decision.TokenRevoked, !t.revoked.Cover(id, now)) {
		return &protocol.Refusal{Reason: protocol.Revoked}
	}
	if err := t.placement(d).admitLogin(id, now, asked); err != nil || id.User == "" {
		return err
	}
	question := mayJoin{d, mailbox.NewReply[*decision.Record]()}
	if !t.users.SendUnbounded(id.User, question) {
		return (&user{}).admits(d, d.Limits().PerUser, nil, asked)
	}
	steps, err := question.Reply.Wait(ctx)
	asked.Append(steps)
	return err
}

// AskMessages asks whether messages of a new connection would be within the rates of the tenant. It does not block.
func (n *explainer) AskMessages(
	tenant string, from limit.Peer, load limit.Cost, asked *decision.Record,
) *protocol.Refusal {
	t, err := n.tenants.lookup(tenant)
	if err != nil {
		return err
	}
	c := limit.NewConnection(t.limits)
	err, _ = c.Admit(t.limits, from, load, n.wheel.Since(time.Now()), asked)
	return err
}

// AskSubscribe asks whether a topic might be subscribed to. It waits for the connection until ctx ends, and for the
// Authorizer for at most Config.RequestTimeout.
func (n *explainer) AskSubscribe(
	ctx context.Context, tenant string, q SubscribeQuestion, asked *decision.Record,
) *protocol.Refusal {
	t, err := n.tenants.lookup(tenant)
	if err != nil {
		return err
	}
	if q.Connection != "" {
		l, err := n.tenants.conn(tenant, q.Connection)
		if err != nil {
			return err
		}
		question := maySubscribe{q.Topic, mailbox.NewReply[*decision.Record]()}
		l.box.SendUnbounded(question)
		steps, err := question.Reply.Wait(ctx)
		asked.Append(steps)
		return err
	}
	c := &connection{limits: limit.NewConnection(t.limits)}
	c.node, c.remote = n.services, q.Remote
	c.post.Store(t.placement(q.Dialect))
	c.identity.Store(q.Identity)
	return askSubscribe(c, q.Topic, asked)
}
