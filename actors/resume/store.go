package resume

import (
	"slices"
	"sync"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Bounds of suspended sessions. With one more, the oldest of the user, of the tenant, or of the tenant that has the
// most of all, is given up.
const (
	MaxPerUser   = 16
	maxPerTenant = 25_000
	maxSessions  = 100_000
	maxBytes     = 64 << 20 // of all together
)

// Store bounds the suspended sessions of a node. The users have them; whoever takes one out of the Store owns it.
type Store struct {
	counter Counter // static

	mu       sync.Mutex
	tenants  map[string]*tenantSessions
	sessions int
	bytes    int
}

// tenantSessions are those of one tenant, oldest first. The first is held; of the others some may have been taken out.
type tenantSessions struct {
	sessions []*Session
	held     int
	bytes    int
}

// NewStore holds no sessions yet. It counts as missed the sessions that it has to give up.
func NewStore(counter Counter) *Store { return &Store{counter: counter} }

// Add notes a session, for which others may have to be given up.
func (l *Store) Add(rec *Session) {
	l.mu.Lock()
	a := l.tenants[rec.Tenant]
	if a == nil {
		if l.tenants == nil {
			l.tenants = map[string]*tenantSessions{}
		}
		a = &tenantSessions{}
		l.tenants[rec.Tenant] = a
	}
	a.sessions = append(a.sessions, rec)
	rec.held = true
	l.count(rec, 1)
	var given []*Session
	for a.held > maxPerTenant {
		given = append(given, l.oldest(a))
	}
	given = l.trim(given)
	l.mu.Unlock()
	l.giveUp(given)
}

// giveUp counts what the clients of these sessions miss, which were taken out.
func (l *Store) giveUp(given []*Session) {
	for _, old := range given {
		l.counter.Missed(protocol.TooMany, old.Events())
		old.Release()
	}
}

// Take takes a session out; false if it was given up.
func (l *Store) Take(rec *Session) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !rec.held {
		return false
	}
	l.remove(rec)
	return true
}

// Append keeps an event to the user in a session, for which others may have to be given up; false if the session has no
// room for it, or was given up itself.
func (l *Store) Append(rec *Session, f *outbox.Frame) bool {
	l.mu.Lock()
	if !rec.held || rec.size+f.Size() > MaxSession {
		l.mu.Unlock()
		return false
	}
	rec.sent = append(rec.sent, f)
	rec.size += f.Size()
	l.tenants[rec.Tenant].bytes += f.Size()
	l.bytes += f.Size()
	given := l.trim(nil)
	l.mu.Unlock()
	l.giveUp(given)
	return true
}

// Forget gives up all sessions of a tenant that fit.
func (l *Store) Forget(tenant string, fits func(*Session) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.tenants[tenant]
	if a == nil {
		return
	}
	for _, rec := range slices.Clone(a.sessions) {
		if rec.held && fits(rec) {
			l.remove(rec)
			rec.Release()
		}
	}
}

// remove takes a session out. The caller holds the lock, as of all below.
func (l *Store) remove(rec *Session) {
	rec.held = false
	l.count(rec, -1)
	a := l.tenants[rec.Tenant]
	if a.held == 0 {
		delete(l.tenants, rec.Tenant)
		return
	}
	for !a.sessions[0].held {
		a.sessions[0], a.sessions = nil, a.sessions[1:]
	}
	if len(a.sessions) > 2*a.held+16 {
		a.sessions = slices.DeleteFunc(a.sessions, func(r *Session) bool { return !r.held })
	}
}

// trim takes sessions out until the bounds of all together hold.
func (l *Store) trim(given []*Session) []*Session {
	for l.sessions > maxSessions || l.bytes > maxBytes {
		given = append(given, l.oldest(l.heaviest()))
	}
	return given
}

// oldest takes out the oldest session of a tenant.
func (l *Store) oldest(a *tenantSessions) *Session {
	rec := a.sessions[0]
	l.remove(rec)
	return rec
}

func (l *Store) heaviest() (most *tenantSessions) {
	for _, a := range l.tenants {
		if most == nil || a.bytes > most.bytes {
			most = a
		}
	}
	return most
}

func (l *Store) count(rec *Session, by int) {
	a := l.tenants[rec.Tenant]
	a.held += by
	a.bytes += by * rec.size
	l.sessions += by
	l.bytes += by * rec.size
}

// Stats returns how many sessions there are, and how large they are together.
func (l *Store) Stats() (sessions, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sessions, l.bytes
}
