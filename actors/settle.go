package actors

import (
	"context"

	"github.com/parley-realtime/parley/protocol"
)

// This is the end of what lifecycles tell: all that has happened is told before they end.

// tenantsThatTell are those whose lifecycle is told.
func (n *Node) tenantsThatTell() (all []*tenantCore) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, t := range n.tenants {
		if t.life.Load() != nil {
			all = append(all, t)
		}
	}
	return all
}

// settle returns when what the users and connections have told so far is in the topics and with the heralds, or with
// Busy when ctx ends before.
func (n *Node) settle(ctx context.Context) *protocol.Refusal {
	for _, t := range n.tenantsThatTell() {
		if why := t.settle(ctx); why != nil && why.Reason == protocol.Busy {
			return why
		}
	}
	return nil
}

func (t *tenantCore) settle(ctx context.Context) *protocol.Refusal {
	var users []reply[[]*Link]
	t.users.each(func(_ string, box *mailbox) bool {
		answer := newReply[[]*Link]()
		box.force(gather{answer}) // it answers behind what it has to tell
		users = append(users, answer)
		return true
	})
	for _, answer := range users {
		if _, why := answer.wait(ctx); why != nil && why.Reason == protocol.Busy {
			return why
		}
	}
	l := t.life.Load()
	if l == nil {
		return nil
	}
	told := newReply[struct{}]()
	l.box.force(settle{ctx, told})
	_, why := told.wait(ctx)
	return why
}

// endLifecycles ends them when nothing happens any more, and waits until they have told what did.
func (n *Node) endLifecycles() {
	for _, t := range n.tenantsThatTell() {
		t.life.Load().box.force(farewell{})
	}
	n.lifecycles.Wait()
}
