package actors

import (
	"context"
	"slices"

	"github.com/parley-realtime/parley/protocol"
)

// This is the part of a connection that takes over what its client left (linger.go).

// returned is what a user knows of a client that comes: the record that it left, or the connection that it still has.
type returned struct {
	record *record
	rival  *Link
}

// reclaim asks a user once more for a record, when the connection that had one has ended.
type reclaim struct {
	link  *Link
	reply reply[returned]
}

func (m reclaim) refuse(why *protocol.Refusal) { m.reply.refuse(why) }

// take gets the record of a client that comes back, from the user or from the connection that it still has. It is
// restored as soon as the session has welcomed the client.
func (c *connection) take(user string, back returned) {
	if c.linger == nil {
		return
	}
	rec := back.record
	if back.rival != nil {
		ctx, cancel := context.WithTimeout(context.Background(), c.node.cfg.PublishWait)
		defer cancel()
		answer := newReply[*record]()
		back.rival.box.force(yield{answer})
		var why *protocol.Refusal
		if rec, why = answer.wait(ctx); why != nil { // it has ended by itself, and left its record with the user
			again := newReply[returned]()
			if c.tenant().users.force(user, reclaim{&c.Link, again}) {
				back, _ = again.wait(ctx)
				rec = back.record
			}
		}
	}
	c.linger.pending = rec
}

// restored ends what a client's message, or its coming, set going: by now its session has welcomed it.
func (c *connection) restored() {
	if c.linger != nil {
		c.restore()
		c.outbox.letGo()
	}
}

// restore brings back what the client left: first what waited for it, then each topic from where it stood. It comes
// before the first subscription of the session's own; what the session says before restored gets ahead of it all.
func (c *connection) restore() {
	if c.linger == nil || c.linger.pending == nil || c.closing {
		return
	}
	rec := c.linger.pending
	c.linger.pending = nil
	c.outbox.hold()
	events, cut := rec.unwritten()
	for _, f := range events {
		if c.send(f) {
			c.linger.replayed.Add(1)
			c.node.counters.delivered.Add(1)
		}
	}
	c.miss(protocol.TooLarge, cut)
	c.miss(protocol.PositionLost, rec.unheard+since(rec.everyone, c.linger.everyone))
	if rec.view != nil {
		c.heed(*rec.view)
	}
	c.resubscribe(rec)
	c.linger.restored.Store(uint64(len(c.interests.wanted())))
	c.node.counters.restored.Add(1)
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

// resubscribe attaches the connection to the very topics to which the one before was attached: positions are theirs.
func (c *connection) resubscribe(rec *record) {
	c.interests = rec.interests
	for _, r := range slices.Clone(rec.interests) {
		if !r.wanted {
			continue
		}
		if why := c.granted(protocol.Subscribe{Topic: r.topic}); why != nil {
			c.interests.remove(r.topic, false)
			c.miss(why.Reason, 1)
		}
	}
	for i := range c.interests {
		c.interests[i].lent = false // it is by its own right from now on
	}
	for _, topic := range c.interests.attached() {
		at, known := rec.at(topic)
		if !known {
			c.miss(protocol.Busy, 1)
		}
		got, why := c.attach(topic, c.interests.of(topic), at, true)
		if why != nil {
			c.end(end{why: why})
			return
		}
		c.linger.replayed.Add(uint64(got.replayed))
		c.miss(protocol.PositionLost, got.missed)
	}
	c.subscribed(true, c.interests.wanted()...)
}

// giveUp counts what is never restored, since the connection ends before.
func (c *connection) giveUp() {
	if c.linger != nil && c.linger.pending != nil {
		c.miss(protocol.Disconnected, c.linger.pending.worth())
		c.linger.pending = nil
	}
}

// miss counts events that the client missed and that cannot be replayed.
func (c *connection) miss(why protocol.Reason, events int) {
	if events > 0 {
		c.linger.missed.Add(uint64(events))
		c.node.miss(why, events)
	}
}
