package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/protocol"
)

// This is how a connection takes over what its client left (linger.go).

// returned is what a user knows of a client that comes: the record that it left, or the connection that it still has.
// With that one the client has not joined yet.
type returned struct {
	record *record
	rival  *Link
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
	c.outbox.Hold()
	granted := c.hears.takeOver(&c.Link, rec)
	rec.resend(&c.Link, granted)
	c.linger.miss(c.node, protocol.PositionLost, since(rec.everyone, c.linger.everyone))
	if rec.view != nil {
		heed := protocol.Heed{View: *rec.view}
		if rec.lent { // by the token that the client has shown now
			heed.As = c.identity.Load()
		}
		c.heed(heed)
	}
	c.endIf(c.hears.reattach(&c.Link, rec))
	c.member.subscribed(&c.Link, true, c.hears.Wanted()...)
	for _, r := range c.hears.Subscriptions {
		c.expireBy(r.Right)
	}
	c.linger.restored.Store(uint64(c.hears.Count()))
	c.node.counters.restored.Add(1)
}

// resend says what waited for the client. What it was subscribed to is left out if it is not granted all of that any
// more.
func (r *record) resend(to *Link, granted bool) {
	events, cut := r.unwritten()
	if !granted {
		to.linger.miss(to.node, protocol.Forbidden, len(events)+cut)
		events, cut = nil, 0
	}
	events = append(events, r.sent...)
	left := to.outbox.Overflow(events)
	to.linger.miss(to.node, protocol.TooLarge, cut+left+r.unheard)
	if events = events[left:]; to.outbox.Charge(to.outbox.Prepend(events)) {
		to.linger.replayed.Add(uint64(len(events)))
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
func (h *hearing) takeOver(l *Link, rec *record) bool {
	h.Subscriptions = rec.interests
	all := true
	for _, r := range slices.Clone(rec.interests) {
		if !r.Wanted {
			continue
		}
		if why := l.granted(protocol.Subscribe{Topic: r.Topic}); why != nil {
			h.Remove(r.Topic, false)
			l.linger.miss(l.node, why.Reason, 1)
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
func (h *hearing) reattach(l *Link, rec *record) (broken *protocol.Refusal) {
	for _, topic := range h.Attached() {
		at, known := rec.at(topic)
		if !known {
			l.linger.miss(l.node, protocol.Busy, 1)
		}
		got, why := l.attach(topic, h.FiltersAt(topic), at, true)
		if why != nil {
			return why
		}
		l.linger.replayed.Add(uint64(got.replayed))
		l.linger.miss(l.node, protocol.PositionLost, got.missed)
	}
	return nil
}
