package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/protocol"
)

// This file holds how a user keeps the suspended sessions of clients that may come back (package resume).

// expireSessions has a user drop the sessions whose time is over.
type expireSessions struct{}

// expireTimer is the timer for it. It holds no session, since clients often resume theirs before its time is over.
type expireTimer struct {
	tenant *tenantCore
	user   string
}

// Fire has the user look, if the user still exists.
func (e expireTimer) Fire() { e.tenant.users.SendUnbounded(e.user, expireSessions{}) }

// sameClient are the user's other connections that could be of the same client as l: of its dialect, and with its key
// or, like it, without one.
func (u *user) sameClient(l *Conn) (all []*Conn) {
	for _, other := range u.links {
		if other != l && other.dialect() == l.dialect() && other.resume.Key() == l.resume.Key() {
			all = append(all, other)
		}
	}
	return all
}

// duplicateOf is the connection that a client still has when it comes with its key again, nil if there is none. Only an
// older connection is a duplicate: so no two can wait for each other.
func (u *user) duplicateOf(l *Conn) (duplicate *Conn) {
	if l.resume.Key() == "" {
		return nil
	}
	for _, other := range u.sameClient(l) {
		if other.number() < l.number() {
			duplicate = other
		}
	}
	return duplicate
}

// claim takes the session that the client of a connection has left; nil if there is none, or if it is in doubt whose it
// is.
func (u *user) claim(l *Conn) *resume.Session {
	akin := u.sameClient(l)
	newest := uint64(0) // the newest of the connections that got the later events
	for _, other := range akin {
		newest = max(newest, other.number())
	}
	var mine []*resume.Session
	u.suspended = slices.DeleteFunc(u.suspended, func(rec *resume.Session) bool {
		found := rec.Dialect == l.dialect() && rec.Client == l.resume.Key()
		if found && u.node().sessions.Take(rec) {
			mine = append(mine, rec)
		}
		return found
	})
	if len(mine) == 1 && (l.resume.Key() != "" && mine[0].Number > newest || len(akin) == 0) {
		return mine[0]
	}
	u.giveUp(protocol.Conflict, mine...)
	return nil
}

// suspend keeps the session of a connection that has left, nil for none. Older ones of its client are worth nothing
// now, and neither is this one if its client may be here again.
func (u *user) suspend(l *Conn, rec *resume.Session) {
	if l.resume.Key() != "" {
		u.discard(l)
	}
	if rec == nil {
		return
	}
	for _, other := range u.sameClient(l) {
		if other.number() > rec.Number {
			u.giveUp(protocol.Conflict, rec)
			return
		}
	}
	if len(u.suspended) >= resume.MaxPerUser {
		if u.node().sessions.Take(u.suspended[0]) {
			u.giveUp(protocol.TooMany, u.suspended[0])
		}
		u.suspended = slices.Delete(u.suspended, 0, 1)
	}
	u.suspended = append(u.suspended, rec)
	u.node().sessions.Add(rec)
	rec.Missed = l.resume.TooLate
	for _, f := range l.resume.After {
		u.retain(rec, f)
	}
	u.expireBy(rec.Until)
}

// expireBy has the user wake when the time of a session is over.
func (u *user) expireBy(at int64) {
	if u.expireAt == 0 || at < u.expireAt {
		u.expireAt = at
		u.node().wheel.ScheduleAt(at, expireTimer{u.tenant, u.name})
	}
}

// discard gives up the sessions that older connections of the same client have left.
func (u *user) discard(l *Conn) {
	u.suspended = slices.DeleteFunc(u.suspended, func(old *resume.Session) bool {
		same := old.Client == l.resume.Key() && old.Dialect == l.dialect() && old.Number < l.number()
		if same && u.node().sessions.Take(old) {
			u.giveUp(protocol.Conflict, old)
		}
		return same
	})
}

// giveUp counts the events that the clients of these sessions miss.
func (u *user) giveUp(reason protocol.Reason, given ...*resume.Session) {
	for _, rec := range given {
		if rec != nil {
			u.node().totals.Missed(reason, rec.Events()+rec.Missed)
		}
	}
}

// missed keeps an event to the user for the clients that are away, unless it waits in the inbox for them.
func (u *user) missed(p *fanout.Delivery, there bool) {
	waits := !there && u.tenant.waits(p.Event)
	for _, rec := range u.suspended {
		if waits && rec.Dialect.Limits().Inbox {
			continue
		}
		to := protocol.Delivery{Event: p.Event}
		if rec.Projection != nil {
			to.View = *rec.Projection
		}
		if f := p.Frame(u.node().encoder, rec.Dialect, to); f != nil {
			u.retain(rec, f)
		}
	}
}

// hold adds an event to a suspended session, or counts it as missed.
func (u *user) retain(rec *resume.Session, f *outbox.Frame) {
	if !u.node().sessions.Append(rec, f) {
		rec.Missed++
	}
}

// expireSessions drops the sessions whose time is over. Their clients begin anew.
func (u *user) expireSessions(now time.Time) {
	at := u.node().wheel.Since(now)
	u.expireAt = 0
	u.suspended = slices.DeleteFunc(u.suspended, func(rec *resume.Session) bool {
		over := rec.Until <= at
		if over && u.node().sessions.Take(rec) {
			u.node().totals.Faded.Add(1)
		}
		if !over {
			u.expireBy(rec.Until)
		}
		return over
	})
}

// forgetSessions drops all sessions.
func (u *user) forgetSessions() {
	for _, rec := range u.suspended {
		u.node().sessions.Take(rec)
	}
	u.suspended = nil
}
