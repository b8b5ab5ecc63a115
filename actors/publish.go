package actors

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

// Target says whom an event is for: a topic, some users, or all connections of the tenant. Exactly one is set.
type Target struct {
	Topic string
	Users []string
	All   bool
	// Exclude is the id of a connection that does not get the event.
	Exclude string
}

// Receipt is the answer to a publish.
type Receipt = fanout.Receipt

// Publish gives an event to a topic and the topics above it, to users, or to everyone. It returns when the event has its
// place and is in the outboxes of those who hear it, and not before the outboxes of all together have room: that is how
// a publisher feels that it is too fast. An idle topic or user is run on the caller's goroutine, and PublishWait bounds only what
// the caller waits for others.
//
// Errors are protocol.Refusals: Malformed, NotFound (tenant), TooMany (topics), RateLimited and Busy (with RetryAfter),
// Internal.
func (n *Node) Publish(ctx context.Context, tenant string, to Target, ev *protocol.Event) (Receipt, error) {
	t, why := n.lookup(tenant)
	if why == nil {
		why = to.check()
	}
	if why == nil && t.suspended.Load() {
		why = errSuspended
	}
	if why != nil {
		return Receipt{}, why
	}
	if why := n.watermark.RefusePublish(); why != nil {
		n.dropped(protocol.Busy, 1)
		return Receipt{}, why
	}
	if why := t.limits.AdmitPublish(len(ev.Data), n.wheel.Since(time.Now())); why != nil {
		n.dropped(why.Reason, 1)
		return Receipt{}, why
	}
	if t.backlog.Full() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, n.cfg.PublishWait)
		defer cancel()
		if t.backlog.Wait(ctx) != nil {
			n.dropped(protocol.Busy, 1)
			return Receipt{}, mailbox.ErrBusy
		}
	}
	patience := n.timers.Start(n.cfg.PublishWait)
	defer n.timers.Stop(patience)
	p, id := to.delivery(ev, n.now())
	t.dispatch(to, p)
	receipt, why := p.Result.Wait(ctx, patience.C)
	if why != nil {
		n.dropped(why.Reason, 1)
		return Receipt{}, why
	}
	receipt.ID = id
	if receipt.Duplicate {
		n.totals.duplicates.Add(1)
	} else {
		n.totals.published.Add(1)
	}
	return receipt, nil
}

func (to *Target) check() *protocol.Refusal {
	switch {
	case to.Topic != "" && (to.Users != nil || to.All), to.Users != nil && to.All, to.Topic == "" && to.Users == nil && !to.All:
		return protocol.Refuse(protocol.Malformed, "an event is for exactly one of a topic, users, or all")
	case to.Topic != "":
		if protocol.Reserved(to.Topic) {
			return protocol.Refuse(protocol.Forbidden, "the topic %s is the server's own; publish to another", protocol.Quote(to.Topic))
		}
		return protocol.AsRefusal(protocol.CheckTopic(to.Topic))
	}
	return nil
}

// publication sets an event on its way. An event that its publisher did not name gets an id that nobody has to remember.
func (to *Target) delivery(ev *protocol.Event, now time.Time) (*fanout.Delivery, string) {
	stamped := *ev
	if stamped.Time == (time.Time{}) {
		stamped.Time = now
	}
	stamped.Topic = to.Topic
	id, made := stamped.ID, false
	if id == "" {
		id, made = rand.Text(), true
	}
	stamped.ID = id
	p := fanout.NewDelivery(&stamped, made)
	p.Exclude, p.Born = numberOf(to.Exclude), now.UnixNano()
	return p, id
}

// dispatch sends a publication on its way. Who publishes does the work of an actor that has nothing else to do: it would wait for it.
func (t *tenantCore) dispatch(to Target, p *fanout.Delivery) {
	switch {
	case to.Topic != "":
		t.publish(to.Topic, p)
	case to.All:
		t.publish(broadcastTopic, p)
	default:
		users := to.Users
		if len(users) > 1 {
			users = slices.Compact(slices.Sorted(slices.Values(users)))
		}
		p.Result.Expect(len(users))
		t.publishToUsers(users, p).RunInline()
		p.Result.Answer(0)
	}
}

// publish gives a publication to a topic, which is made if there is none.
func (t *tenantCore) publish(topic string, p *fanout.Delivery) {
	idle, ok := t.topics.Claim(topic, publish{p})
	if !ok {
		t.box.Send(toTopic{topic, publish{p}})
	}
	idle.RunInline()
}

// tell gives a publication to users, and returns one of them for the caller to run; nil if all do so themselves.
func (t *tenantCore) publishToUsers(users []string, p *fanout.Delivery) (idle *mailbox.Mailbox) {
	if !p.Anonymous { // of two publishes with one id, the same one is the first at all users
		turn := &t.turns[t.users.Shard(p.Event.ID)]
		turn.Lock()
		defer turn.Unlock()
	}
	for _, user := range users {
		found := len(users) > 1 && t.users.Send(user, publish{p})
		if len(users) == 1 {
			idle, found = t.users.Claim(user, publish{p})
		}
		switch {
		case found:
		case t.waits(p.Event):
			t.user(user, publish{p})
		default: // nobody is there
			t.turnAway(p.Event)
			p.Result.Answer(0)
		}
	}
	return idle
}
