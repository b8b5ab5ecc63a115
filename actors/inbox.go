package actors

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// inbox is what waits for a user who has no connection, until one comes that may have it. It belongs to the user's
// actor, is bounded in events and age, and forgets the oldest first; what it forgets is counted as a drop.
type inbox struct {
	waiting []waiting
}

type waiting struct {
	event *protocol.Event
	until time.Time
}

// put keeps an event. It returns how many were forgotten for it.
func (in *inbox) put(ev *protocol.Event, now time.Time, most int, age time.Duration) (forgotten int) {
	forgotten = in.expire(now)
	if len(in.waiting) >= most {
		in.waiting = in.waiting[1:]
		forgotten++
	}
	in.waiting = append(in.waiting, waiting{ev, now.Add(age)})
	return forgotten
}

func (in *inbox) expire(now time.Time) (forgotten int) {
	for len(in.waiting) > 0 && !now.Before(in.waiting[0].until) {
		in.waiting = in.waiting[1:]
		forgotten++
	}
	if len(in.waiting) == 0 {
		in.waiting = nil
	}
	return forgotten
}

// maxInboxes bounds the users of one tenant for whom something waits.
const maxInboxes = 100_000

// waits reports whether the event would wait for a user who has no connection. Messages are for people, who read them
// later; other kinds tell of a moment, and are worth nothing afterwards.
func (t *tenantCore) waits(ev *protocol.Event) bool {
	return t.node.cfg.InboxCount > 0 && ev.Kind == protocol.Message && t.inboxes.Load() < maxInboxes
}

// keep puts an event into the inbox of a user without connections.
func (u *user) keep(p *publication) {
	if len(u.links) > 0 || !u.tenant.waits(p.event) {
		return
	}
	if u.inbox == nil {
		u.inbox = &inbox{}
		u.tenant.inboxes.Add(1)
	}
	cfg := &u.node().cfg
	u.node().dropped(protocol.Stale, u.inbox.put(p.event, time.Now(), cfg.InboxCount, cfg.InboxAge))
}

// clear forgets what has waited too long.
func (u *user) clear(now time.Time) {
	if u.inbox == nil {
		return
	}
	u.node().dropped(protocol.Stale, u.inbox.expire(now))
	if u.inbox.waiting == nil {
		u.inbox = nil
		u.tenant.inboxes.Add(-1)
	}
}

// collect gives a connection what waited, if its dialect has an inbox.
func (u *user) collect(l *Link) {
	now := time.Now()
	u.clear(now)
	if u.inbox == nil || !l.dialect().Limits().Inbox {
		return
	}
	for _, w := range u.inbox.waiting {
		if f := u.node().encode(l.dialect(), l.view(), w.event, now.UnixNano()); f != nil && l.send(f) {
			u.node().counters.delivered.Add(1)
		}
	}
	u.inbox = nil
	u.tenant.inboxes.Add(-1)
}
