package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/protocol"
)

// This file holds how a connection suspends its session when it breaks, and resumes the one that its client left
// (package resume).

// resumeOffer is what a user knows of a client that comes: the session that it left, or the connection that it still
// has. With a duplicate, the new connection has not joined yet.
type resumeOffer struct {
	session   *resume.Session
	duplicate *Conn
}

// resend queues the frames that waited for the client. It leaves out those of the subscriptions if the client is not
// granted all of them any more.
func resend(r *resume.Session, to *Conn, granted bool) {
	events, cut := r.Unwritten()
	if !granted {
		to.resume.AddMissed(to.node.totals, protocol.Forbidden, len(events)+cut)
		events, cut = nil, 0
	}
	events = append(events, r.Sent()...)
	left := to.outbox.Overflow(events)
	to.resume.AddMissed(to.node.totals, protocol.TooLarge, cut+left+r.Missed)
	if events = events[left:]; to.outbox.Charge(to.outbox.Prepend(events)) {
		to.resume.Replayed.Add(uint64(len(events)))
		to.node.totals.Delivered.Add(uint64(len(events)))
	}
}

// takeOver makes the suspended session's subscriptions those of a connection, by the connection's own grant. It reports
// false if that does not grant all of them.
func (s *subscriptions) takeOver(l *Conn, rec *resume.Session) bool {
	s.Subscriptions = rec.Subscriptions
	all := true
	for _, r := range slices.Clone(rec.Subscriptions) {
		if !r.Wanted {
			continue
		}
		if err := (topicClient{l}).granted(protocol.Subscribe{Topic: r.Topic}, nil); err != nil {
			s.Remove(r.Topic, false)
			l.resume.AddMissed(l.node.totals, err.Reason, 1)
			all = false
		}
	}
	own := grant.New(l.node.wheel, l.identity.Load(), time.Now())
	for i := range s.Subscriptions {
		if r := &s.Subscriptions[i]; r.Grant != nil {
			r.Grant = &own
		}
	}
	return all
}

// reattach subscribes to exactly the topics to which the former connection was attached, each from its checkpoint.
func (s *subscriptions) reattach(l *Conn, rec *resume.Session) (broken *protocol.Refusal) {
	for _, topic := range s.Attached() {
		at, known := rec.Checkpoint(topic)
		if !known {
			l.resume.AddMissed(l.node.totals, protocol.Busy, 1)
		}
		w := wish{topic: topic, since: at, partial: true}
		if err := s.attach(l, s.FiltersAt(topic), &w); err != nil {
			return err
		}
		l.resume.Replayed.Add(uint64(w.got.replayed))
		l.resume.AddMissed(l.node.totals, protocol.PositionLost, w.got.missed)
	}
	return nil
}

// takeOver ends a connection whose client has come back, if it may be resumed, and answers when its session is with the
// user.
type takeOver struct{ mailbox.Reply[struct{}] }

// suspend unsubscribes the connection from its topics, empties its outbox, and returns both as a suspended session. The
// connection gets no frame that is offered afterwards.
func (s *subscriptions) suspend(l *Conn) *resume.Session {
	t := l.tenant()
	rec := &resume.Session{
		Tenant: t.name, Dialect: l.dialect(), Client: l.resume.Key(), Identity: l.identity.Load(), Number: l.number(),
		Until: l.node.wheel.Since(time.Now()) + t.resumeAge.Load(), Projection: l.projection.Load(),
		Borrowed: l.flags.has(hasBorrowed), Subscriptions: s.Subscriptions,
	}
	ctx, done := l.step()
	defer done()
	for _, topic := range s.Attached() {
		at := topicClient{l}.release(ctx, topic)
		rec.Checkpoints = append(rec.Checkpoints, resume.Checkpoint{Topic: topic, At: at})
	}
	s.Subscriptions = nil
	rec.Broadcast = topicClient{l}.release(ctx, broadcastTopic)
	rec.Detached = l.outbox.Detach()
	l.node.totals.Dropped(protocol.Lost, rec.Detached.Dropped)
	rec.Bound()
	return rec
}

// detachAll suspends the session and leaves it with the user. It returns what waited in the outbox.
func (s *subscriptions) detachAll(l *Conn) outbox.Detached {
	rec := s.suspend(l)
	left := rec.Detached
	l.tenant().users.SendUnbounded(rec.Identity.User, detach{l, rec})
	return left
}
