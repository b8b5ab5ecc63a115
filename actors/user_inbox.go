package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/protocol"
)

// This file holds how a user keeps the messages that wait for a connection (package inbox).

// queue puts an event into the inbox of a user who is not there.
func (u *user) queue(p *fanout.Delivery, there bool) {
	if there {
		return
	}
	if !u.tenant.waits(p.Event) {
		u.tenant.turnAway(p.Event)
		return
	}
	if u.inbox == nil {
		u.inbox = u.tenant.inboxes.Open()
	}
	u.node().totals.Dropped(protocol.Stale, u.inbox.Put(p.Event, u.node().now()))
}

// clear forgets the events that have waited too long.
func (u *user) clear(now time.Time) {
	if u.inbox == nil {
		return
	}
	u.node().totals.Dropped(protocol.Stale, u.inbox.Expire(now))
	if u.inbox.Empty() {
		u.inbox.Close()
		u.inbox = nil
	}
}

// collect gives a connection the events that waited, if its dialect has an inbox. Those that its outbox does not take,
// since it is closed or full, wait on.
func (u *user) collect(l *Conn) {
	now := u.node().now()
	u.clear(now)
	if u.inbox == nil || !l.dialect().Limits().Inbox {
		return
	}
	u.inbox.Deliver(func(ev *protocol.Event) (taken bool) {
		f := u.node().encoder().Encode(l.dialect(), l.view(), ev, now.UnixNano())
		if taken = f == nil || l.send(f); taken {
			u.node().totals.Delivered.Add(1)
		}
		return taken
	})
	u.clear(now)
}
