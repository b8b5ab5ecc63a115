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
type resumeOffer struct {
	session   *resume.Session
	duplicate *Conn
}

// restore brings back what the client left: first what waited for it, then each topic from where it stood. It comes
// before the first subscription of the session's own; what the session says meanwhile gets ahead of it all.
func (c *connection) resumeSession() {
	if c.closing {
		return
	}
	rec := c.resume.Take()
	if rec == nil {
		return
	}
	c.outbox.Hold()
	granted := c.subscriptions.takeOver(&c.Conn, rec)
	resend(rec, &c.Conn, granted)
	c.resume.Miss(&c.node.totals, protocol.PositionLost, since(rec.Broadcast, c.resume.Broadcast))
	if rec.Projection != nil {
		heed := protocol.SetEventView{View: *rec.Projection}
		if rec.Lent { // by the token that the client has shown now
			heed.As = c.identity.Load()
		}
		c.setEventView(heed)
	}
	c.endIf(c.subscriptions.reattach(&c.Conn, rec))
	c.registration.subscribed(&c.Conn, true, c.subscriptions.Wanted()...)
	for _, r := range c.subscriptions.Subscriptions {
		grants{c}.expireBy(r.Grant)
	}
	c.resume.Restored.Store(uint64(c.subscriptions.Count()))
	c.node.totals.restored.Add(1)
}

// resend says what waited for the client. What it was subscribed to is left out if it is not granted all of that any
// more.
func resend(r *resume.Session, to *Conn, granted bool) {
	events, cut := r.Unwritten()
	if !granted {
		to.resume.Miss(&to.node.totals, protocol.Forbidden, len(events)+cut)
		events, cut = nil, 0
	}
	events = append(events, r.Sent()...)
	left := to.outbox.Overflow(events)
	to.resume.Miss(&to.node.totals, protocol.TooLarge, cut+left+r.Missed)
	if events = events[left:]; to.outbox.Charge(to.outbox.Prepend(events)) {
		to.resume.Replayed.Add(uint64(len(events)))
		to.node.totals.delivered.Add(uint64(len(events)))
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
func (h *subscriptions) takeOver(l *Conn, rec *resume.Session) bool {
	h.Subscriptions = rec.Subscriptions
	all := true
	for _, r := range slices.Clone(rec.Subscriptions) {
		if !r.Wanted {
			continue
		}
		if err := (topicClient{l}).granted(protocol.Subscribe{Topic: r.Topic}); err != nil {
			h.Remove(r.Topic, false)
			l.resume.Miss(&l.node.totals, err.Reason, 1)
			all = false
		}
	}
	own := grant.New(l.node.wheel, l.identity.Load(), time.Now())
	for i := range h.Subscriptions {
		if r := &h.Subscriptions[i]; r.Grant != nil {
			r.Grant = &own
		}
	}
	return all
}

// reattach attaches to the very topics to which the connection before was attached: positions are theirs.
func (h *subscriptions) reattach(l *Conn, rec *resume.Session) (broken *protocol.Refusal) {
	for _, topic := range h.Attached() {
		at, known := rec.Checkpoint(topic)
		if !known {
			l.resume.Miss(&l.node.totals, protocol.Busy, 1)
		}
		got, err := topicClient{l}.attach(topic, h.FiltersAt(topic), at, true)
		if err != nil {
			return err
		}
		l.resume.Replayed.Add(uint64(got.replayed))
		l.resume.Miss(&l.node.totals, protocol.PositionLost, got.missed)
	}
	return nil
}

// yield ends a connection whose client has come back, if it may linger, and answers when its record is with the user.
type takeOver struct{ reply mailbox.Reply[struct{}] }

func (m takeOver) Refuse(err *protocol.Refusal) { m.reply.Refuse(err) }

// record takes the connection out of its topics and its outbox into a record. Nothing is offered to it afterwards.
func (h *subscriptions) suspend(l *Conn) *resume.Session {
	t := l.tenant()
	rec := &resume.Session{
		Tenant: t.name, Dialect: l.dialect(), Client: l.resume.Key(), Identity: l.identity.Load(), Number: l.number(),
		Until: l.node.wheel.Since(time.Now()) + t.resumeAge.Load(), Projection: l.projection.Load(), Lent: l.flags.has(hasBorrowed), Subscriptions: h.Subscriptions,
	}
	ctx, done := l.step()
	defer done()
	for _, topic := range h.Attached() {
		rec.Checkpoints = append(rec.Checkpoints, resume.Checkpoint{Topic: topic, At: topicClient{l}.release(ctx, topic)})
	}
	h.Subscriptions = nil
	rec.Broadcast = topicClient{l}.release(ctx, broadcastTopic)
	var dropped int
	rec.Outbox = &l.outbox
	rec.Frames, rec.InFlight, dropped = l.outbox.Detach()
	l.node.dropped(protocol.Lost, dropped)
	rec.Bound()
	return rec
}

// part leaves a record with the user.
func (h *subscriptions) detachAll(l *Conn) {
	rec := h.suspend(l)
	l.tenant().users.SendUnbounded(rec.Identity.User, detach{l, rec})
}

// yield is the end of a connection whose client has come back.
func (c *connection) takeOver() {
	if c.closing || !c.registration.resumable(&c.Conn) {
		return
	}
	c.registration.disconnected(&c.Conn, protocol.Disconnected, 0, true)
	c.subscriptions.detachAll(&c.Conn)
	if !c.outbox.AwaitFlush() {
		c.outbox.Transport().Cut()
	}
	c.end(ending(protocol.Disconnected, protocol.Disconnected.CloseCode(), "replaced by a newer connection of the same client"))
}
