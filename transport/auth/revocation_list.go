package auth

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/parley-realtime/parley/protocol"
)

// register bounds the revocations of all tenants together. One that holds no more stays until its room is needed:
// should the clock have been wrong when it seemed to be over, it is still there.
type revocationList struct {
	// Static after construction.
	bound int
	age   time.Duration

	count, forgotten atomic.Uint64
	forgottenCounter minuteCounter

	// writing is held while a revocation is made or taken back, so that the journal has them in the order of memory.
	writing       sync.Mutex
	journalWriter // of them; guarded by writing

	mu      sync.Mutex
	tenants map[*tenantRevocations]struct{} // that have an entry; guarded by mu
	// nextOver is before when none of those that there were at the last look is over; guarded by mu.
	nextExpiry time.Time
}

// list are the revocations of one tenant. It outlives the tenant's keys.
type tenantRevocations struct {
	tenant string       // static
	size   atomic.Int64 // so that a tenant without revocations pays nothing
	mu     sync.Mutex
	lru    *simplelru.LRU[target, revocationSpan] // guarded by mu; nil before the first
	all    *revocationList                        // set with lru
}

func newRevocationList(bound int, age time.Duration) *revocationList {
	return &revocationList{bound: bound, age: age, tenants: map[*tenantRevocations]struct{}{}}
}

// add replaces what there was of the same target. It reports whether another revocation was forgotten for it before its
// time.
func (r *revocationList) add(l *tenantRevocations, to target, what revocationSpan, now time.Time) (lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tenants[l] = struct{}{}
	l.add(r, to, what)
	if !what.until.IsZero() && what.until.Before(r.nextExpiry) {
		r.nextExpiry = what.until
	}
	if r.count.Load() <= uint64(r.bound) || r.dropExpired(now) {
		return false
	}
	var largest *tenantRevocations
	for l := range r.tenants {
		if largest == nil || l.size.Load() > largest.size.Load() {
			largest = l
		}
	}
	largest.dropOldest()
	r.forgotten.Add(1)
	return true
}

// dropOver lets go of all that are over, and reports whether there was one. It is called with mu held, and looks no
// more often than one can have ended.
func (r *revocationList) dropExpired(now time.Time) (some bool) {
	if !now.After(r.nextExpiry) {
		return false
	}
	r.nextExpiry = now.Add(r.age)
	for l := range r.tenants {
		dropped, next := l.dropExpired(now)
		some = some || dropped
		if !next.IsZero() && next.Before(r.nextExpiry) {
			r.nextExpiry = next
		}
	}
	return some
}

func (l *tenantRevocations) add(all *revocationList, to target, what revocationSpan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lru == nil {
		// One more than fits: the register drops, and it counts what it drops.
		l.lru, _ = simplelru.NewLRU[target, revocationSpan](all.bound+1, nil)
		l.all = all
	}
	if !l.lru.Contains(to) {
		l.size.Add(1)
		all.count.Add(1)
	}
	l.lru.Add(to, what)
}

// remove reports whether there was one.
func (l *tenantRevocations) remove(of target) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lru == nil || !l.lru.Remove(of) {
		return false
	}
	l.countRemoved()
	return true
}

func (l *tenantRevocations) dropOldest() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, _, ok := l.lru.RemoveOldest(); ok {
		l.countRemoved()
	}
}

// dropOver also tells when the next of those that stay is over, zero for never.
func (l *tenantRevocations) dropExpired(now time.Time) (some bool, next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, of := range l.lru.Keys() {
		what, _ := l.lru.Peek(of)
		switch {
		case what.hasExpired(now):
			l.lru.Remove(of)
			l.countRemoved()
			some = true
		case !what.until.IsZero() && (next.IsZero() || what.until.Before(next)):
			next = what.until
		}
	}
	return some, next
}

// shrunk is called with mu held.
func (l *tenantRevocations) countRemoved() {
	l.size.Add(-1)
	l.all.count.Add(^uint64(0))
}

// covers reports whether the identity's token was revoked.
func (l *tenantRevocations) covers(id *protocol.Identity, now time.Time) bool {
	if l.size.Load() == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, of := range [...]target{{"", id.TokenID}, {id.User, id.TokenID}, {id.User, ""}} {
		if what, ok := l.lru.Get(of); ok && !what.hasExpired(now) && what.covers(id.Issued) {
			return true
		}
	}
	return false
}

// all are the entries, the one that would be forgotten first first.
func (l *tenantRevocations) entries() []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lru == nil {
		return nil
	}
	made := make([]entry, 0, l.lru.Len())
	for _, of := range l.lru.Keys() {
		what, _ := l.lru.Peek(of)
		made = append(made, entry{l.tenant, of, what})
	}
	return made
}

// every are the entries of all tenants.
func (r *revocationList) entries() (all []entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range r.tenants {
		all = append(all, l.entries()...)
	}
	return all
}
