package actors

import (
	"context"

	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/protocol"
)

// operator is what whoever runs the node may do to one tenant, its users and its connections. Other tenants do not notice.
type admin struct {
	tenants *tenants
	node    *services
	revoker revoker // nil if the authenticator cannot revoke
}

// Disconnect closes one connection, in its dialect's words or with a code. NotFound if there is none.
func (o *admin) Disconnect(tenant, id string, code uint16, reason string) error {
	l, err := o.tenants.conn(tenant, id)
	if err != nil {
		return err
	}
	l.box.SendUnbounded(ending(protocol.Disconnected, code, reason))
	return nil
}

// DisconnectUser closes all connections of a user and returns how many. NotFound if there are none.
func (o *admin) DisconnectUser(ctx context.Context, tenant, user string, code uint16, reason string) (int, error) {
	t, err := o.tenants.lookup(tenant)
	if err != nil {
		return 0, err
	}
	answer := mailbox.NewReply[int]()
	if !t.users.Send(user, disconnectAll{ending(protocol.Disconnected, code, reason), answer}) {
		return 0, nobody(user)
	}
	count, err := answer.Wait(ctx)
	if err == nil && count == 0 {
		err = nobody(user)
	}
	if err != nil {
		return 0, err
	}
	return count, nil
}

// DrainTenant closes a tenant's connections, in their dialects' words, paced over the time that ctx leaves, and returns
// how many. The tenant goes on: clients may come back. If ctx ends before all are gone, the rest is cut off and its
// error returned.
func (o *admin) DrainTenant(ctx context.Context, tenant string) (closed int, err error) {
	t, why := o.tenants.lookup(tenant)
	if why != nil {
		return 0, why
	}
	all := t.conns()
	return len(all), drain(ctx, all, tellWithin(ctx), protocol.Draining)
}

// SuspendTenant switches a tenant off or on. While it is off it lets nobody in, takes no event, and has no connections:
// those that are there are closed as Suspended. Topics and their histories stay.
func (o *admin) SuspendTenant(tenant string, on bool) error {
	t, err := o.tenants.lookup(tenant)
	if err != nil {
		return err
	}
	o.node.admission.whileClosed(func() { t.suspended.Store(on) }) // who is coming in is either seen below or sees that
	if on {
		o.node.sessions.Forget(t.name, func(*resume.Session) bool { return true })
		for _, l := range t.conns() {
			l.box.SendUnbounded(ending(protocol.Suspended, 0, ""))
		}
	}
	return nil
}

// RestartTenant ends a tenant's connections, users and topics, and begins anew: topics have new epochs and no history.
// It returns when what was is gone, or with the context's error when that ends before.
func (o *admin) RestartTenant(ctx context.Context, tenant string) error {
	t, why := o.tenants.lookup(tenant)
	if why != nil {
		return why
	}
	busy := false
	o.node.admission.whileClosed(func() { busy = t.restarting.Swap(true) }) // who is coming in is either seen below or sees that
	if busy {
		return protocol.Refuse(protocol.Conflict, "the tenant is restarting already")
	}
	defer t.restarting.Store(false)
	err := drain(ctx, t.conns(), tellWithin(ctx), protocol.Draining)
	for _, d := range []*mailbox.Registry{t.topics, t.users} {
		for name, box := range d.Clear() {
			if d == t.topics && counts(name) {
				t.topicsMade.Add(-1)
			}
			o.node.system.Stop(box)
		}
	}
	t.inboxes.Store(0)
	t.waiting.Store(0)
	return err
}
