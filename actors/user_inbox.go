package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/protocol"
)

// inbox holds the events that wait for a user who has no connection, until one comes whose dialect has an inbox. It
// belongs to the user's actor, is bounded in events, bytes and age, and forgets the oldest event first; each event that
// it forgets counts as a drop.
type inbox struct {
	waiting []waiting
	bytes   int
}

type waiting struct {
	event *protocol.Event
	until time.Time
}

// put adds an event and returns how many others it forgot for it.
func (in *inbox) put(ev *protocol.Event, now time.Time, most int, age time.Duration) (forgotten int) {
	forgotten = in.expire(now)
	for len(in.waiting) > 0 && (len(in.waiting) >= most || in.bytes+waitingSize(ev) > maxInboxBytes) {
		in.forgetOne()
		forgotten++
	}
	in.waiting = append(in.waiting, waiting{ev, now.Add(age)})
	in.bytes += waitingSize(ev)
	return forgotten
}

func (in *inbox) forgetOne() {
	in.bytes -= waitingSize(in.waiting[0].event)
	in.waiting[0] = waiting{}
	in.waiting = in.waiting[1:]
}

func (in *inbox) expire(now time.Time) (forgotten int) {
	for len(in.waiting) > 0 && !now.Before(in.waiting[0].until) {
		in.forgetOne()
		forgotten++
	}
	if len(in.waiting) == 0 {
		in.waiting = nil
	}
	return forgotten
}

// These bound inboxes beside Config.InboxCount and InboxAge. At the bounds of a tenant, no further event waits.
const (
	maxInboxes     = 100_000   // users of one tenant with events in their inbox
	maxWaiting     = 64 << 20  // bytes in all inboxes of one tenant
	maxInboxBytes  = 256 << 10 // bytes in one inbox
	waitingWithout = 256       // bytes that an event takes up beside its data
)

func waitingSize(ev *protocol.Event) int { return len(ev.Data) + waitingWithout }

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
		u.inbox = &inbox{}
		u.tenant.inboxes.Add(1)
	}
	cfg, before := &u.node().cfg, u.inbox.bytes
	u.node().dropped(protocol.Stale, u.inbox.put(p.Event, u.node().now(), cfg.InboxCount, cfg.InboxAge))
	u.tenant.waiting.Add(int64(u.inbox.bytes - before))
}

// clear forgets the events that have waited too long.
func (u *user) clear(now time.Time) {
	if u.inbox == nil {
		return
	}
	before := u.inbox.bytes
	u.node().dropped(protocol.Stale, u.inbox.expire(now))
	u.tenant.waiting.Add(int64(u.inbox.bytes - before))
	if u.inbox.waiting == nil {
		u.inbox = nil
		u.tenant.inboxes.Add(-1)
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
	before := u.inbox.bytes
	for len(u.inbox.waiting) > 0 {
		f := u.node().encoder().Encode(l.dialect(), l.view(), u.inbox.waiting[0].event, now.UnixNano())
		if f != nil && !l.send(f) {
			break
		}
		u.node().totals.delivered.Add(1)
		u.inbox.forgetOne()
	}
	u.tenant.waiting.Add(int64(u.inbox.bytes - before))
	u.clear(now)
}
