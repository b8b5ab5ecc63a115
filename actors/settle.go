package actors

import (
	"context"

	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

// This is the end of what lifecycles tell: all that has happened is told before they end.

// thatTell are those whose lifecycle is told.
func (ts *tenants) thatTell() (some []*tenantCore) {
	for _, t := range ts.all() {
		if t.life.Load() != nil {
			some = append(some, t)
		}
	}
	return some
}

// settle returns when what the users and connections have told so far is in the topics and with the heralds, or with
// Busy when ctx ends before.
func (ts *tenants) settle(ctx context.Context) *protocol.Refusal {
	for _, t := range ts.thatTell() {
		if why := t.settle(ctx); why != nil && why.Reason == protocol.Busy {
			return why
		}
	}
	return nil
}

// farewell ends the lifecycles, when nothing happens any more and all that did is told.
func (ts *tenants) farewell() {
	for _, t := range ts.thatTell() {
		t.life.Load().box.SendUnbounded(farewell{})
	}
}

func (t *tenantCore) settle(ctx context.Context) *protocol.Refusal {
	var users []mailbox.Reply[[]*Link]
	t.users.Each(func(_ string, box *mailbox.Mailbox) bool {
		answer := mailbox.NewReply[[]*Link]()
		box.SendUnbounded(gather{answer}) // it answers behind what it has to tell
		users = append(users, answer)
		return true
	})
	for _, answer := range users {
		if _, why := answer.Wait(ctx); why != nil && why.Reason == protocol.Busy {
			return why
		}
	}
	l := t.life.Load()
	if l == nil {
		return nil
	}
	told := mailbox.NewReply[struct{}]()
	l.box.SendUnbounded(settle{ctx, told})
	_, why := told.Wait(ctx)
	return why
}
