package actors

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/lifecycle"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/actors/settings"
	"github.com/parley-realtime/parley/protocol"
)

// emit posts one lifecycle event, if its type is wanted.
func (t *tenantCore) emit(news protocol.Lifecycle) {
	if l := t.lifecycle.Load(); l != nil && l.Wants(news.Type) {
		news.Time = time.Now()
		l.Post(news)
	}
}

// setLifecycle starts, changes or stops the tenant's lifecycle as the settings want it.
func (t *tenantCore) setLifecycle(cfg Lifecycle) {
	now := t.lifecycle.Load()
	switch {
	case now != nil && !cfg.On():
		t.lifecycle.Store(nil)
		now.Stop()
	case now != nil:
		now.Configure(cfg)
	case cfg.On():
		t.lifecycle.Store(t.startLifecycle(cfg))
	}
}

func (t *tenantCore) startLifecycle(cfg Lifecycle) *lifecycle.Actor {
	n := t.node
	n.lifecycles.Add(1)
	defer n.system.Done() // it outlives the other actors, since it emits their ends
	return lifecycle.New(lifecycle.Host{
		Tenant: t.name, MailboxSize: min(8*n.cfg.MailboxSize, settings.MaxMailbox), Log: n.log, Wheel: n.wheel,
		Supervisor: n.supervise.lifecycle, Append: t.appendLifecycle, Stopped: n.lifecycles.Done,
	}, cfg)
}

// appendLifecycle hands an event to the lifecycle topic. It waits for the topic only if the topic has to be made, since
// later events would overtake this one otherwise.
func (t *tenantCore) appendLifecycle(ev *protocol.Event) *fanout.Result {
	p := fanout.NewDelivery(ev, true)
	if !t.topics.Send(protocol.LifecycleTopic, publish{p}) {
		ctx, cancel := context.WithTimeout(context.Background(), t.node.cfg.PublishWait)
		defer cancel()
		t.topic(protocol.LifecycleTopic, publish{p})
		_, _ = p.Result.Wait(ctx, nil)
	}
	return p.Result
}

// fills reports whether a topic is the lifecycle topic in use: its position has to stay valid while nothing happens.
func (t *tenantCore) fills(topic string) bool {
	return topic == protocol.LifecycleTopic && t.lifecycle.Load() != nil
}

// topic sends msg to a topic, which is made if it does not exist.
func (t *tenantCore) topic(name string, msg mailbox.Refusable) {
	if !t.topics.Send(name, msg) {
		t.box.Send(toTopic{name, msg})
	}
}

// user sends msg to a user, who is made if there is none.
func (t *tenantCore) user(name string, msg mailbox.Refusable) {
	if !t.users.Send(name, msg) {
		t.box.Send(toUser{name, msg})
	}
}

// publish gives a delivery to a topic, which is made if it does not exist. It runs an idle topic on the caller's
// goroutine. It reports whether it found the topic: if not, an event that comes later may overtake this one.
func (t *tenantCore) publish(topic string, p *fanout.Delivery) (found bool) {
	idle, found := t.topics.Claim(topic, publish{p})
	if !found {
		t.box.Send(toTopic{topic, publish{p}})
	}
	idle.RunInline()
	return found
}

// publishToUsers gives a delivery to users. If it is for one user only, and that user is idle, it returns the mailbox
// for the caller to run; otherwise nil. It reports whether it found all users who will get it, as publish does.
func (t *tenantCore) publishToUsers(users []string, p *fanout.Delivery) (idle *mailbox.Mailbox, all bool) {
	if !p.Anonymous { // of two publishes with one id, the same one comes first at all users
		turn := &t.turns[t.users.Shard(p.Event.ID)]
		turn.Lock()
		defer turn.Unlock()
	}
	all = true
	for _, user := range users {
		found := len(users) > 1 && t.users.Send(user, publish{p})
		if len(users) == 1 {
			idle, found = t.users.Claim(user, publish{p})
		}
		switch {
		case found:
		case t.waits(p.Event):
			t.user(user, publish{p})
			all = false
		default: // the user has no connection
			t.turnAway(p.Event)
			p.Result.Answer(0)
		}
	}
	return idle, all
}

// waits reports whether the event would wait in the inbox of a user who has no connection.
func (t *tenantCore) waits(ev *protocol.Event) bool {
	return t.inboxes.Accepts(ev) && !t.inboxes.Full()
}

// turnAway counts an event that would have waited for a user if there were room.
func (t *tenantCore) turnAway(ev *protocol.Event) {
	if t.inboxes.Accepts(ev) {
		t.node.totals.Dropped(protocol.TooMany, 1)
	}
}

// durable reports whether a topic has to be kept on disk.
func (t *tenantCore) durable(topic string) bool {
	store, err := t.node.durableStore()
	return (store != nil || err != nil) && policyOf(t.rules.Load(), topic).Store == policy.Durable
}

// stored reports whether a topic that has no actor is in the store, or may be: a store that is not open yet does not
// say.
func (t *tenantCore) stored(topic string) bool {
	if !t.durable(topic) {
		return false
	}
	store := t.node.store.Load()
	return store == nil || store.HasTopic(t.name, topic)
}
