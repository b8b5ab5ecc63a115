package actors

import (
	"context"

	"github.com/parley-realtime/parley/protocol"
)

// This is what an operator may do to one tenant. The others do not notice.

// DrainTenant closes a tenant's connections, in their dialects' words, paced over the time that ctx leaves, and returns
// how many. The tenant goes on: clients may come back. If ctx ends before all are gone, the rest is cut off and its
// error returned.
func (n *Node) DrainTenant(ctx context.Context, tenant string) (closed int, err error) {
	t, why := n.known(tenant)
	if why != nil {
		return 0, why
	}
	all := t.everyLink()
	return len(all), drain(ctx, all, protocol.Draining)
}

// SuspendTenant switches a tenant off or on. While it is off it lets nobody in, takes no event, and has no connections:
// those that are there are closed as Suspended. Topics and their histories stay.
func (n *Node) SuspendTenant(tenant string, on bool) error {
	t, why := n.known(tenant)
	if why != nil {
		return why
	}
	n.gate.change(func() { t.suspended.Store(on) }) // who is coming in is either seen below or sees that
	if on {
		n.ledger.forget(t, func(*record) bool { return true })
		for _, l := range t.everyLink() {
			l.box.force(ending(protocol.Suspended, 0, ""))
		}
	}
	return nil
}

// RestartTenant ends a tenant's connections, users and topics, and begins anew: topics have new epochs and no history.
// It returns when what was is gone, or with the context's error when that ends before.
func (n *Node) RestartTenant(ctx context.Context, tenant string) error {
	t, why := n.known(tenant)
	if why != nil {
		return why
	}
	busy := false
	n.gate.change(func() { busy = t.restarting.Swap(true) }) // who is coming in is either seen below or sees that
	if busy {
		return protocol.Refuse(protocol.Conflict, "the tenant is restarting already")
	}
	defer t.restarting.Store(false)
	err := drain(ctx, t.everyLink(), protocol.Draining)
	for _, d := range []*directory{t.topics, t.users} {
		for name, box := range d.clear() {
			if d == t.topics && counts(name) {
				t.topicsMade.Add(-1)
			}
			n.system.Root.Stop(box.pid())
		}
	}
	t.inboxes.Store(0)
	t.waiting.Store(0)
	return err
}
