package auth

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/parley-realtime/parley/protocol"
)

// revocationList bounds the revocations of all tenants together. An expired one stays until its room is needed: if the
// clock was wrong when it seemed to have expired, it is still there.
type revocationList struct {
	// Static after construction.
	bound int
	age   time.Duration
	log   *slog.Logger

	count, forgotten atomic.Uint64
	forgottenCounter minuteCounter // so that the log has one warning a minute

	// writing is held while a revocation is made or taken back, so that the journal has them in the same order as
	// memory.
	writing       sync.Mutex
	journalWriter // guarded by writing

	mu      sync.Mutex
	tenants map[*tenantRevocations]struct{} // that have a revocation; guarded by mu
	// nextExpiry is a time before which no revocation of the last scan expires; guarded by mu.
	nextExpiry time.Time
}

// tenantRevocations holds the revocations of one tenant. It outlives the tenant's keys.
type tenantRevocations struct {
	tenant string       // static
	size   atomic.Int64 // so that a tenant without revocations pays nothing
	mu     sync.Mutex
	lru    *simplelru.LRU[target, revocationSpan] // guarded by mu; nil before the first
	all    *revocationList                        // set with lru
}

// newRevocationList makes an empty list; replay fills it from the journal.
func newRevocationList(config *Config) *revocationList {
	return &revocationList{
		bound: config.Revocations, age: config.RevocationAge, log: config.Logger,
		journalWriter: journalWriter{journal: config.Journal}, tenants: map[*tenantRevocations]struct{}{},
	}
}

// record puts a revocation into the memory of its tenant and, if there is one, into the journal.
func (r *revocationList) record(l *tenantRevocations, e entry, now time.Time) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	r.addOrWarn(l, e, now)
	return r.write(e, false)
}

// takeBack removes a revocation from the memory of its tenant and from the journal, and reports whether there was one.
func (r *revocationList) takeBack(l *tenantRevocations, e entry) (was bool, err error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	was = l.remove(e.target)
	if !was && !r.stale {
		return false, nil
	}
	return was, r.write(e, true)
}

// addOrWarn adds a revocation and, at most once a minute, warns if another one had to go for it.
func (r *revocationList) addOrWarn(l *tenantRevocations, e entry, now time.Time) {
	if !r.add(l, e.target, e.span, now) {
		return
	}
	if forgotten, _ := r.forgottenCounter.count(now); forgotten == 1 {
		r.log.LogAttrs(context.Background(), slog.LevelWarn,
			"the list of revocations is full and forgot one before its time; raise revocations or lower "+
				"revocation_age",
			slog.Uint64("forgotten", r.forgotten.Load()))
	}
}

// add replaces an earlier revocation of the same target. It reports whether it had to forget another one before its
// time.
func (r *revocationList) add(l *tenantRevocations, of target, span revocationSpan, now time.Time) (forgot bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tenants[l] = struct{}{}
	l.add(r, of, span)
	if !span.until.IsZero() && span.until.Before(r.nextExpiry) {
		r.nextExpiry = span.until
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

// dropExpired removes all expired revocations and reports whether there was one. It is called with mu held. It scans no
// more often than one can have expired.
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

func (l *tenantRevocations) add(all *revocationList, of target, span revocationSpan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lru == nil {
		// One more than fits: the revocationList drops entries, and counts what it drops.
		l.lru, _ = simplelru.NewLRU[target, revocationSpan](all.bound+1, nil)
		l.all = all
	}
	if !l.lru.Contains(of) {
		l.size.Add(1)
		all.count.Add(1)
	}
	l.lru.Add(of, span)
}

// remove reports whether there was a revocation of the target.
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

// dropExpired also returns when the next of the remaining ones expires, zero for never.
func (l *tenantRevocations) dropExpired(now time.Time) (some bool, next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, of := range l.lru.Keys() {
		span, _ := l.lru.Peek(of)
		switch {
		case span.hasExpired(now):
			l.lru.Remove(of)
			l.countRemoved()
			some = true
		case !span.until.IsZero() && (next.IsZero() || span.until.Before(next)):
			next = span.until
		}
	}
	return some, next
}

// countRemoved is called with mu held.
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
		if span, ok := l.lru.Get(of); ok && !span.hasExpired(now) && span.covers(id.Issued) {
			return true
		}
	}
	return false
}

// entries returns the revocations, the least recently used one first.
func (l *tenantRevocations) entries() []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lru == nil {
		return nil
	}
	made := make([]entry, 0, l.lru.Len())
	for _, of := range l.lru.Keys() {
		span, _ := l.lru.Peek(of)
		made = append(made, entry{l.tenant, of, span})
	}
	return made
}

// entries returns the revocations of all tenants.
func (r *revocationList) entries() (all []entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range r.tenants {
		all = append(all, l.entries()...)
	}
	return all
}
