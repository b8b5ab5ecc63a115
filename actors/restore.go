package actors

import (
	"context"
	"slices"

	"github.com/parley-realtime/parley/protocol"
)

// This is the part of a connection that takes over what its client left (linger.go).

// returned is what a user knows of a client that comes: the record that it left, or the connection that it still has.
// With that one the client has not joined yet.
type returned struct {
	record *record
	rival  *Link
}

// meet brings the connection to its user. A connection that its client still has goes first: so the user's events are
// for one of them at a time, or wait in the record. What the client left is restored when the session has welcomed it.
func (c *connection) meet(ctx context.Context, id *protocol.Identity) *protocol.Refusal {
	wish := join{link: &c.Link, limit: c.dialect().Limits().PerUser, claims: c.linger != nil && !id.Unproven}
	for {
		wish.reply = newReply[returned]()
		c.tenant().user(id.User, wish)
		back, why := wish.reply.wait(ctx)
		if why != nil || back.rival == nil {
			if c.linger != nil {
				c.linger.pending = back.record
			}
			return why
		}
		gone := newReply[struct{}]()
		back.rival.box.force(yield{gone})
		gone.wait(ctx) // a refusal says that it has ended by itself
		wish.beside = true
	}
}

// restore brings back what the client left: first what waited for it, then each topic from where it stood. It comes
// before the first subscription of the session's own; what the session says meanwhile gets ahead of it all.
func (c *connection) restore() {
	if c.closing {
		return
	}
	rec := c.linger.take()
	if rec == nil {
		return
	}
	c.outbox.hold()
	granted := c.takeOver(rec)
	c.resend(rec, granted)
	c.linger.miss(c.node, protocol.PositionLost, since(rec.everyone, c.linger.everyone))
	if rec.view != nil {
		c.heed(*rec.view)
	}
	c.reattach(rec)
	c.linger.restored.Store(uint64(c.interests.count()))
	c.node.counters.restored.Add(1)
}

// resend says what waited for the client. What it was subscribed to is left out if it is not granted all of that any
// more.
func (c *connection) resend(rec *record, granted bool) {
	events, cut := rec.unwritten()
	if !granted {
		c.linger.miss(c.node, protocol.Forbidden, len(events)+cut)
		events, cut = nil, 0
	}
	events = append(events, rec.sent...)
	left := c.outbox.room(events)
	c.linger.miss(c.node, protocol.TooLarge, cut+left+rec.unheard)
	if events = events[left:]; c.outbox.count(c.outbox.prepend(events)) {
		c.linger.replayed.Add(uint64(len(events)))
		c.node.counters.delivered.Add(uint64(len(events)))
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

// takeOver makes the record's subscriptions the connection's, by its own right; false if it is not granted all of them.
func (c *connection) takeOver(rec *record) bool {
	c.interests = rec.interests
	all := true
	for _, r := range slices.Clone(rec.interests) {
		if !r.wanted {
			continue
		}
		if why := c.granted(protocol.Subscribe{Topic: r.topic}); why != nil {
			c.interests.remove(r.topic, false)
			c.linger.miss(c.node, why.Reason, 1)
			all = false
		}
	}
	for i := range c.interests {
		c.interests[i].lent = false
	}
	return all
}

// reattach attaches the connection to the very topics to which the one before was attached: positions are theirs.
func (c *connection) reattach(rec *record) {
	for _, topic := range c.interests.attached() {
		at, known := rec.at(topic)
		if !known {
			c.linger.miss(c.node, protocol.Busy, 1)
		}
		got, why := c.attach(topic, c.interests.of(topic), at, true)
		if why != nil {
			c.end(end{why: why})
			return
		}
		c.linger.replayed.Add(uint64(got.replayed))
		c.linger.miss(c.node, protocol.PositionLost, got.missed)
	}
	c.subscribed(true, c.interests.wanted()...)
}

