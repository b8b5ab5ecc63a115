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

// Revocation takes rights back.
type Revocation struct {
	// User is whose tokens are refused, TokenID the jti of one token that is; with both, that token of that user.
	User, TokenID string
	// Before limits it to tokens issued before that time. Zero is no limit for one token; for a user it is up to now,
	// since a user may come back with a new token. A token without iat could be of any age and is covered.
	Before time.Time
}

// Revoke refuses, from when it returns, tokens that were good until now; connections that they opened are the engine's
// to close. The error is a protocol.Refusal: NotFound (no such tenant) or Malformed.
//
// Now, for a user, includes the second that is passing, since iat has no fractions as a rule, and the latest iat that the
// tenant has shown, since its clock may be ahead of ours by the leeway: no token that was seen before slips through.
//
// It covers every form of credential: by user all of them, by jti also a ticket that was issued for that token, a cookie by
// its sid, and what the tenant's backend gave an id. The token of an outpost, which has no iat, counts as issued when the
// settings first had it; a cookie counts as of any age unless it or the backend says when its session began, so that a
// user whose cookies have no iat is kept out until then.
//
// A revocation is kept for Config.RevocationAge, and longer if the tenant has shown a token that lives longer; for ever
// if the tenant accepts what does not end by itself: tokens without exp, cookies, outposts, or what its backend says. When the register is full, the tenant that has most revocations loses the
// one that was neither made nor met for longest. That is counted in Figures.Forgotten and a warning in the log, because
// a token revoked by it may work again.
func (v *Verifier) Revoke(tenant string, r Revocation) error {
	t, err := v.tenant(tenant)
	if err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	now, before := v.now(), r.Before
	if before.IsZero() && r.TokenID == "" {
		before = latestOf(now, time.Unix(0, t.account.lastIssued.Load())).Add(1) // that instant is within
	}
	until := v.keptUntil(t, latestOf(now, before))
	if v.revoked.add(&t.account.revoked, target{r.User, r.TokenID}, revocation{before, until}, now) {
		v.warnOfLoss(now)
	}
	return nil
}

func (r Revocation) check() error {
	if r.User == "" && r.TokenID == "" {
		return protocol.Refuse(protocol.Malformed, "a revocation needs a user or a jti")
	}
	if r.User != "" {
		if err := protocol.CheckName("user", r.User); err != nil {
			return err
		}
	}
	if r.TokenID != "" {
		return protocol.CheckName("jti", r.TokenID)
	}
	return nil
}

// warnOfLoss does so once a minute.
func (v *Verifier) warnOfLoss(now time.Time) {
	if lost, _ := v.revoked.losses.count(now); lost == 1 {
		v.log.LogAttrs(context.Background(), slog.LevelWarn,
			"the register of revocations is full and forgot one before its time; raise revocations or lower revocation_age",
			slog.Uint64("forgotten", v.revoked.forgotten.Load()))
	}
}

// keptUntil is when no token issued until then can be left that is still good; zero for never.
func (v *Verifier) keptUntil(t *tenant, issued time.Time) time.Time {
	if t.lasts() {
		return time.Time{}
	}
	return latestOf(issued.Add(v.revoked.age), time.Unix(t.account.farthest.Load(), 0).Add(MaxLeeway))
}

func latestOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// target is whom a revocation is about, inside a tenant; what is empty is any.
type target struct{ user, token string }

// revocation covers tokens issued before a time, zero for all, until it can be forgotten, zero for never.
type revocation struct{ before, until time.Time }

func (r revocation) covers(issued time.Time) bool {
	return r.before.IsZero() || issued.IsZero() || issued.Before(r.before)
}

// register bounds the revocations of all tenants together.
type register struct {
	// Static after construction.
	bound int
	age   time.Duration

	count, forgotten atomic.Uint64
	losses           alarm

	mu    sync.Mutex
	lists map[*list]struct{} // that have an entry; guarded by mu
}

// list are the revocations of one tenant. It outlives the tenant's keys.
type list struct {
	size atomic.Int64 // so that a tenant without revocations pays nothing
	mu   sync.Mutex
	lru  *simplelru.LRU[target, revocation] // guarded by mu; nil before the first
	all  *register                          // set with lru
}

func newRegister(bound int, age time.Duration) *register {
	return &register{bound: bound, age: age, lists: map[*list]struct{}{}}
}

// add reports whether another revocation was forgotten for it before its time.
func (r *register) add(l *list, to target, what revocation, now time.Time) (lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lists[l] = struct{}{}
	l.add(r, to, what)
	if r.count.Load() <= uint64(r.bound) {
		return false
	}
	var largest *list
	for l := range r.lists {
		if largest == nil || l.size.Load() > largest.size.Load() {
			largest = l
		}
	}
	lost = largest.dropOldest(now)
	if lost {
		r.forgotten.Add(1)
	}
	return lost
}

func (l *list) add(all *register, to target, what revocation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lru == nil {
		// One more than fits: the register drops, and it counts what it drops.
		l.lru, _ = simplelru.NewLRU[target, revocation](all.bound+1, nil)
		l.all = all
	}
	if known, ok := l.lru.Peek(to); ok {
		what = what.with(known)
	} else {
		l.size.Add(1)
		all.count.Add(1)
	}
	l.lru.Add(to, what)
}

// with covers what either covers, for as long as either would.
func (r revocation) with(other revocation) revocation {
	return revocation{later(r.before, other.before), later(r.until, other.until)}
}

// later is where zero is later than any time.
func later(a, b time.Time) time.Time {
	if a.IsZero() || b.IsZero() {
		return time.Time{}
	}
	return latestOf(a, b)
}

func (r revocation) isOver(now time.Time) bool { return !r.until.IsZero() && now.After(r.until) }

// dropOldest reports whether it was still needed.
func (l *list) dropOldest(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, what, ok := l.lru.GetOldest()
	if !ok {
		return false
	}
	l.lru.RemoveOldest()
	l.shrunk()
	return !what.isOver(now)
}

// shrunk is called with mu held.
func (l *list) shrunk() {
	l.size.Add(-1)
	l.all.count.Add(^uint64(0))
}

// covers reports whether the identity's token was revoked.
func (l *list) covers(id *protocol.Identity, now time.Time) bool {
	if l.size.Load() == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, of := range [...]target{{"", id.TokenID}, {id.User, id.TokenID}, {id.User, ""}} {
		if what, ok := l.find(of, now); ok && what.covers(id.Issued) {
			return true
		}
	}
	return false
}

// find is called with mu held. It lets go of what is over.
func (l *list) find(of target, now time.Time) (revocation, bool) {
	what, ok := l.lru.Get(of)
	if ok && what.isOver(now) {
		l.lru.Remove(of)
		l.shrunk()
		return what, false
	}
	return what, ok
}
