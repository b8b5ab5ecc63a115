package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/protocol"
)

// This is how a connection takes over what its client left (linger.go).

// returned is what a user knows of a client that comes: the record that it left, or the connection that it still has.
// With that one the client has not joined yet.
type returned struct {
	record *resume.Session
	rival  *Link
}

// restore brings back what the client left: first what waited for it, then each topic from where it stood. It comes
// before the first subscription of the session's own; what the session says meanwhile gets ahead of it all.
func (c *connection) restore() {
	if c.closing {
		return
	}
	rec := c.linger.Take()
	if rec == nil {
		return
	}
	c.outbox.Hold()
	granted := c.hears.takeOver(&c.Link, rec)
	resend(rec, &c.Link, granted)
	c.linger.Miss(&c.node.counters, protocol.PositionLost, since(rec.Broadcast, c.linger.Broadcast))
	if rec.Projection != nil {
		heed := protocol.SetEventView{View: *rec.Projection}
		if rec.Lent { // by the token that the client has shown now
			heed.As = c.identity.Load()
		}
		c.heed(heed)
	}
	c.endIf(c.hears.reattach(&c.Link, rec))
	c.member.subscribed(&c.Link, true, c.hears.Wanted()...)
	for _, r := range c.hears.Subscriptions {
		c.expireBy(r.Right)
	}
	c.linger.Restored.Store(uint64(c.hears.Count()))
	c.node.counters.restored.Add(1)
}

// resend says what waited for the client. What it was subscribed to is left out if it is not granted all of that any
// more.
func resend(r *resume.Session, to *Link, granted bool) {
	events, cut := r.Unwritten()
	if !granted {
		to.linger.Miss(&to.node.counters, protocol.Forbidden, len(events)+cut)
		events, cut = nil, 0
	}
	events = append(events, r.Sent()...)
	left := to.outbox.Overflow(events)
	to.linger.Miss(&to.node.counters, protocol.TooLarge, cut+left+r.Missed)
	if events = events[left:]; to.outbox.Charge(to.outbox.Prepend(events)) {
		to.linger.Replayed.Add(uint64(len(events)))
		to.node.counters.delivered.Add(uint64(len(events)))
	}
}

// since is how many events lie between two positions; of different epochs it counts one.
func since(before, now protocol.Position) int {
	switch {
	case before == protocol.Position{}:
		return 0
	case before.Epoch != now.Epoch:
		return 1
	}
	return int(now.Offset - before.Offset)
}

// takeOver makes the record's subscriptions those of a connection, by its own right; false if it is not granted all of
// them.
func (h *hearing) takeOver(l *Link, rec *resume.Session) bool {
	h.Subscriptions = rec.Subscriptions
	all := true
	for _, r := range slices.Clone(rec.Subscriptions) {
		if !r.Wanted {
			continue
		}
		if why := l.granted(protocol.Subscribe{Topic: r.Topic}); why != nil {
			h.Remove(r.Topic, false)
			l.linger.Miss(&l.node.counters, why.Reason, 1)
			all = false
		}
	}
	own := grant.New(l.node.wheel, l.identity.Load(), time.Now())
	for i := range h.Subscriptions {
		if r := &h.Subscriptions[i]; r.Right != nil {
			r.Right = &own
		}
	}
	return all
}

// reattach attaches to the very topics to which the connection before was attached: positions are theirs.
func (h *hearing) reattach(l *Link, rec *resume.Session) (broken *protocol.Refusal) {
	for _, topic := range h.Attached() {
		at, known := rec.Checkpoint(topic)
		if !known {
			l.linger.Miss(&l.node.counters, protocol.Busy, 1)
		}
		got, why := l.attach(topic, h.FiltersAt(topic), at, true)
		if why != nil {
			return why
		}
		l.linger.Replayed.Add(uint64(got.replayed))
		l.linger.Miss(&l.node.counters, protocol.PositionLost, got.missed)
	}
	return nil
}

// yield ends a connection whose client has come back, if it may linger, and answers when its record is with the user.
type yield struct{ reply mailbox.Reply[struct{}] }

func (m yield) Refuse(why *protocol.Refusal) { m.reply.Refuse(why) }

// mayLinger says how long broken connections of the tenant may come back: 0 is what the node says, less is not at all.
func (c *tenantCore) mayLinger(d time.Duration) {
	if d == 0 {
		d = c.node.cfg.Linger
	}
	c.linger.Store(int64(max(d, 0)))
	if d > 0 {
		c.node.lingers.Store(true)
	}
}

// record takes the connection out of its topics and its outbox into a record. Nothing is offered to it afterwards.
func (h *hearing) record(l *Link) *resume.Session {
	t := l.tenant()
	rec := &resume.Session{
		Tenant: t.name, Dialect: l.dialect(), Client: l.linger.Key(), Identity: l.identity.Load(), Number: l.number(),
		Until: l.node.wheel.Since(time.Now()) + t.linger.Load(), Projection: l.heeds.Load(), Lent: l.flags.has(hasLent), Subscriptions: h.Subscriptions,
	}
	ctx, done := l.step()
	defer done()
	for _, topic := range h.Attached() {
		rec.Checkpoints = append(rec.Checkpoints, resume.Checkpoint{Topic: topic, At: l.release(ctx, topic)})
	}
	h.Subscriptions = nil
	rec.Broadcast = l.release(ctx, everyone)
	var dropped int
	rec.Outbox = &l.outbox
	rec.Frames, rec.InFlight, dropped = l.outbox.Detach()
	l.node.dropped(protocol.Lost, dropped)
	rec.Bound()
	return rec
}

// part leaves a record with the user.
func (h *hearing) part(l *Link) {
	rec := h.record(l)
	l.tenant().users.SendUnbounded(rec.Identity.User, leave{l, rec})
}

// yield is the end of a connection whose client has come back.
func (c *connection) yield() {
	if c.closing || !c.member.lingers(&c.Link) {
		return
	}
	c.member.depart(&c.Link, protocol.Disconnected, 0, true)
	c.hears.part(&c.Link)
	if !c.outbox.AwaitFlush() {
		c.outbox.Transport().Cut()
	}
	c.end(ending(protocol.Disconnected, protocol.Disconnected.CloseCode(), "replaced by a newer connection of the same client"))
}
