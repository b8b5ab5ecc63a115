package auth

import (
	"context"
	"log/slog"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Revocation says which credentials are refused from now on.
type Revocation struct {
	// User revokes the credentials of a user, TokenID the token with that jti; both together revoke that token of that
	// user.
	User, TokenID string
	// Before limits the revocation to tokens issued before that time. Zero is no limit for one token; for a user it
	// means until now, since a user may come back with a new token. A token without iat could be of any age and is
	// covered. So is a token whose iat lies ahead of our clock by more than MaxLeeway, for as long as it does.
	Before time.Time
}

// Revoke refuses credentials that were good until now, from the moment it returns. It closes no connections: the engine
// closes those that the credentials opened. A later call for the same user and jti replaces an earlier one. The error
// is a protocol.Refusal: NotFound (no such tenant), Malformed (neither user nor jti is given, or Before lies ahead of
// now by more than the tenant's leeway), or StorageFull: the revocation then holds, but only until this process ends,
// since the Journal did not take it. Revoke may block for as long as the Journal takes to write.
//
// For a user, now includes the current second, since iat usually has no fractions, and the latest iat that the tenant
// has shown, since its issuer's clock may be ahead of ours: no token that was seen before slips through. An iat that is
// ahead by more than MaxLeeway counts for its own user only, so one issuer with a wrong clock locks out nobody else.
//
// A revocation covers every type of credential: by user all of them; by jti also a ticket that was issued for that
// token, a cookie with that sid, and a credential that the tenant's backend gave that id. An outpost's token has no iat
// and counts as issued when the settings first had it. A cookie counts as of any age unless the cookie or the backend
// says when its session began; so a user whose cookies have no iat is kept out until then.
//
// A revocation holds for Config.RevocationAge, or longer if the tenant has shown a token that lives longer. It holds
// for ever if the tenant accepts credentials that do not end by themselves: tokens without exp, cookies, outposts, or
// what its backend admits. When the list is full, expired revocations go first; then the tenant that has most loses its
// least recently used one. Stats.Forgotten counts that and the log has a warning, because a token revoked by it may
// work again.
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

// Unrevoke takes back the revocation with the same User and TokenID, and reports whether there was one. The errors and
// the blocking are those of Revoke; with StorageFull it is taken back only until this process ends.
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

// check says what is wrong with r. Before must not be later than latest.
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

// addRevocation puts a revocation into memory and, if there is one, into the journal.
func (v *Verifier) addRevocation(state *tenantState, e entry, now time.Time) error {
	v.revoked.writing.Lock()
	defer v.revoked.writing.Unlock()
	if v.revoked.add(&state.revoked, e.target, e.span, now) {
		v.warnOfForgotten(now)
	}
	return v.revoked.write(e, false)
}

// warnOfForgotten warns at most once a minute.
func (v *Verifier) warnOfForgotten(now time.Time) {
	if forgotten, _ := v.revoked.forgottenCounter.count(now); forgotten == 1 {
		v.log.LogAttrs(context.Background(), slog.LevelWarn,
			"the list of revocations is full and forgot one before its time; raise revocations or lower "+
				"revocation_age",
			slog.Uint64("forgotten", v.revoked.forgotten.Load()))
	}
}

// revocationEnd is the time at which every token issued until issued has expired; zero for never.
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

// target is what a revocation is about, inside a tenant. An empty field matches everything.
type target struct{ user, token string }

// revocationSpan covers tokens issued before a time, zero for all tokens. It holds until a time, zero for ever.
type revocationSpan struct{ before, until time.Time }

func (r revocationSpan) covers(issued time.Time) bool {
	return r.before.IsZero() || issued.IsZero() || issued.Before(r.before)
}

func (r revocationSpan) hasExpired(now time.Time) bool {
	return !r.until.IsZero() && now.After(r.until)
}
