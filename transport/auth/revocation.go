package auth

import (
	"context"
	"log/slog"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Revocation takes rights back.
type Revocation struct {
	// User is whose tokens are refused, TokenID the jti of one token that is; with both, that token of that user.
	User, TokenID string
	// Before limits it to tokens issued before that time. Zero is no limit for one token; for a user it is up to now,
	// since a user may come back with a new token. A token without iat could be of any age and is covered, and so is
	// one whose iat lies ahead of our clock by more than MaxLeeway, for as long as it does.
	Before time.Time
}

// Revoke refuses, from when it returns, tokens that were good until now; connections that they opened are the engine's
// to close. A later call for the same user and jti replaces an earlier one. The error is a protocol.Refusal: NotFound
// (no such tenant), Malformed (nobody is named, or Before lies ahead of now by more than the tenant's leeway), or
// StorageFull: then the revocation holds, but only until this process ends, since the Journal did not take it. It may
// block for as long as the Journal takes to write.
//
// Now, for a user, includes the second that is passing, since iat has no fractions as a rule, and the latest iat that
// the tenant has shown, since its clock may be ahead of ours: no token that was seen before slips through. An iat that
// is ahead by more than MaxLeeway counts for its own user alone, so that one issuer with a wrong clock locks out nobody
// else.
//
// It covers every form of credential: by user all of them, by jti also a ticket that was issued for that token, a
// cookie by its sid, and what the tenant's backend gave an id. The token of an outpost, which has no iat, counts as
// issued when the settings first had it; a cookie counts as of any age unless it or the backend says when its session
// began, so that a user whose cookies have no iat is kept out until then.
//
// A revocation holds for Config.RevocationAge, and longer if the tenant has shown a token that lives longer; for ever
// if the tenant accepts what does not end by itself: tokens without exp, cookies, outposts, or what its backend says.
// When the register is full, those that hold no more go first; then the tenant that has most loses the one that was
// neither made nor met for longest. That is counted in Figures.Forgotten and a warning in the log, because a token
// revoked by it may work again.
func (v *Verifier) Revoke(tenant string, r Revocation) error {
	t, err := v.tenant(tenant)
	if err != nil {
		return err
	}
	now := v.now()
	if err := r.check(now.Add(t.leeway)); err != nil {
		return err
	}
	before := r.Before
	if before.IsZero() && r.TokenID == "" {
		before = later(now, t.state.latestIssuedTo(r.User)).Add(1) // that instant is within
	}
	return v.addRevocation(t.state,
		entry{tenant, target{r.User, r.TokenID}, revocationSpan{before, v.revocationEnd(t, later(now, r.Before))}}, now)
}

// Unrevoke takes a revocation back, the one of the same User and TokenID, and reports whether there was one. The error
// is as that of Revoke; with StorageFull it is taken back until this process ends.
func (v *Verifier) Unrevoke(tenant string, r Revocation) (was bool, err error) {
	t, err := v.tenant(tenant)
	if err != nil {
		return false, err
	}
	if err := (Revocation{User: r.User, TokenID: r.TokenID}).check(time.Time{}); err != nil {
		return false, err
	}
	of := target{r.User, r.TokenID}
	v.revoked.writing.Lock()
	defer v.revoked.writing.Unlock()
	was = t.state.revoked.remove(of)
	if !was && !v.revoked.stale {
		return false, nil
	}
	return was, v.revoked.write(entry{tenant: tenant, target: of}, true)
}

// check says what is wrong; no time to be named may lie behind latest.
func (r Revocation) check(latest time.Time) error {
	if r.User == "" && r.TokenID == "" {
		return protocol.Refuse(protocol.Malformed, "a revocation needs a user or a jti")
	}
	if r.User != "" {
		if err := protocol.CheckName("user", r.User); err != nil {
			return err
		}
	}
	if r.TokenID != "" {
		if err := protocol.CheckName("jti", r.TokenID); err != nil {
			return err
		}
	}
	if r.Before.After(latest) {
		return protocol.Refuse(protocol.Malformed,
			"before lies in the future; leave it out for all tokens issued until now")
	}
	return nil
}

// keep puts a revocation into memory and, if there is one, into the journal.
func (v *Verifier) addRevocation(account *tenantState, e entry, now time.Time) error {
	v.revoked.writing.Lock()
	defer v.revoked.writing.Unlock()
	if v.revoked.add(&account.revoked, e.target, e.span, now) {
		v.warnOfForgotten(now)
	}
	return v.revoked.write(e, false)
}

// warnOfLoss does so once a minute.
func (v *Verifier) warnOfForgotten(now time.Time) {
	if lost, _ := v.revoked.forgottenCounter.count(now); lost == 1 {
		v.log.LogAttrs(context.Background(), slog.LevelWarn,
			"the register of revocations is full and forgot one before its time; raise revocations or lower "+
				"revocation_age",
			slog.Uint64("forgotten", v.revoked.forgotten.Load()))
	}
}

// keptUntil is when no token issued until then can be left that is still good; zero for never.
func (v *Verifier) revocationEnd(t *tenant, issued time.Time) time.Time {
	if t.admitsForever() {
		return time.Time{}
	}
	return later(issued.Add(v.revoked.age), time.Unix(t.state.latestExpiry.Load(), 0).Add(MaxLeeway))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// target is whom a revocation is about, inside a tenant; what is empty is any.
type target struct{ user, token string }

// revocation covers tokens issued before a time, zero for all, until a time, zero for ever.
type revocationSpan struct{ before, until time.Time }

func (r revocationSpan) covers(issued time.Time) bool {
	return r.before.IsZero() || issued.IsZero() || issued.Before(r.before)
}

func (r revocationSpan) hasExpired(now time.Time) bool {
	return !r.until.IsZero() && now.After(r.until)
}
