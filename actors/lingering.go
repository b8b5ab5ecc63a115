package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// This is the part of a user that keeps the records of connections that may come back (linger.go).

// fade has a user look for records whose time is over.
type fade struct{}

// expireTimer is the alarm for it. It holds no record, since those are often taken before their time is over.
type expireTimer struct {
	tenant *tenantCore
	user   string
}

func (f expireTimer) Fire() { f.tenant.users.SendUnbounded(f.user, fade{}) }

// akin are the user's other connections that could be of the same client as l: of its dialect, with its key or, like it,
// without one.
func (u *user) akin(l *Link) (all []*Link) {
	for _, other := range u.links {
		if other != l && other.dialect() == l.dialect() && other.linger.key() == l.linger.key() {
			all = append(all, other)
		}
	}
	return all
}

// rival is the connection that a client still has when it comes with its key again, nil if there is none. Only an older
// one is: so no two can wait for each other.
func (u *user) rival(l *Link) (rival *Link) {
	if l.linger.key() == "" {
		return nil
	}
	for _, other := range u.akin(l) {
		if other.number() < l.number() {
			rival = other
		}
	}
	return rival
}

// claim takes the record that the client of a connection has left, nil if there is none or if it is in doubt whose it is.
func (u *user) claim(l *Link) *record {
	akin := u.akin(l)
	newest := uint64(0) // of those that have heard what came later
	for _, other := range akin {
		newest = max(newest, other.number())
	}
	var mine []*record
	u.left = slices.DeleteFunc(u.left, func(rec *record) bool {
		found := rec.dialect == l.dialect() && rec.client == l.linger.key()
		if found && u.node().ledger.take(rec) {
			mine = append(mine, rec)
		}
		return found
	})
	if len(mine) == 1 && (l.linger.key() != "" && mine[0].number > newest || len(akin) == 0) {
		return mine[0]
	}
	u.giveUp(protocol.Conflict, mine...)
	return nil
}

// linger keeps the record of a connection that has left, nil for none. Older ones of its client are worth nothing now,
// and so is this one if its client may be here again.
func (u *user) linger(l *Link, rec *record) {
	if l.linger.key() != "" {
		u.discard(l)
	}
	if rec == nil {
		return
	}
	for _, other := range u.akin(l) {
		if other.number() > rec.number {
			u.giveUp(protocol.Conflict, rec)
			return
		}
	}
	if len(u.left) >= maxUserRecords {
		if u.node().ledger.take(u.left[0]) {
			u.giveUp(protocol.TooMany, u.left[0])
		}
		u.left = slices.Delete(u.left, 0, 1)
	}
	u.left = append(u.left, rec)
	u.node().ledger.hold(rec)
	rec.unheard = l.linger.tooLate
	for _, f := range l.linger.after {
		u.wait(rec, f)
	}
	u.fadeBy(rec.until)
}

// fadeBy has the user woken when a record's time is over.
func (u *user) fadeBy(at int64) {
	if u.fadeAt == 0 || at < u.fadeAt {
		u.fadeAt = at
		u.node().wheel.ScheduleAt(at, expireTimer{u.tenant, u.name})
	}
}

// discard gives up what older connections of the same client have left.
func (u *user) discard(l *Link) {
	u.left = slices.DeleteFunc(u.left, func(old *record) bool {
		same := old.client == l.linger.key() && old.dialect == l.dialect() && old.number < l.number()
		if same && u.node().ledger.take(old) {
			u.giveUp(protocol.Conflict, old)
		}
		return same
	})
}

// giveUp counts what the clients of these records miss.
func (u *user) giveUp(why protocol.Reason, given ...*record) {
	for _, rec := range given {
		if rec != nil {
			u.node().miss(why, rec.worth()+rec.unheard)
		}
	}
}

// unheard keeps an event to the user for those who are away, unless it waits in the inbox for them.
func (u *user) unheard(p *fanout.Delivery, there bool) {
	waits := !there && u.tenant.waits(p.Event)
	for _, rec := range u.left {
		if waits && rec.dialect.Limits().Inbox {
			continue
		}
		view := protocol.Whole
		if rec.view != nil {
			view = *rec.view
		}
		if f := p.Frame(u.node().encoder(), rec.dialect, view); f != nil {
			u.wait(rec, f)
		}
	}
}

// wait keeps an event in a record, or counts it.
func (u *user) wait(rec *record, f *outbox.Frame) {
	if !u.node().ledger.add(rec, f) {
		rec.unheard++
	}
}

// fade lets go of records whose time is over. Their clients begin anew.
func (u *user) fade(now time.Time) {
	at := u.node().wheel.Since(now)
	u.fadeAt = 0
	u.left = slices.DeleteFunc(u.left, func(rec *record) bool {
		over := rec.until <= at
		if over && u.node().ledger.take(rec) {
			u.node().counters.faded.Add(1)
		}
		if !over {
			u.fadeBy(rec.until)
		}
		return over
	})
}

// forget lets go of all records.
func (u *user) forget() {
	for _, rec := range u.left {
		u.node().ledger.take(rec)
	}
	u.left = nil
}
