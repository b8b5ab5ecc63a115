package auth

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// verifiedToken is a JWT whose signature holds. It is never changed.
type verifiedToken struct {
	tenant   *tenant // whose key signed it; once this tenant is replaced, the token has to be verified anew
	identity protocol.Identity
	expires  time.Time // exp, without leeway; zero for never
	session  bool      // it is a session cookie, and the session may have ended since
}

// hasExpired allows for the tenant's leeway.
func (v *verifiedToken) hasExpired(now time.Time) bool {
	return !v.expires.IsZero() && !now.Before(v.expires.Add(v.tenant.rules.leeway))
}

// identityAt returns a copy of the identity for one caller.
func (v *verifiedToken) identityAt(now time.Time) *protocol.Identity {
	id := v.identity
	id.Expires = v.expires
	if !v.expires.IsZero() && !now.Before(v.expires) {
		id.Expires = v.expires.Add(v.tenant.rules.leeway)
	}
	if isAhead(id.Issued, now) {
		id.Issued = time.Time{}
	}
	return &id
}

// result names the tenant of the token or, if there is no verified token, the tenant that was asked for.
func (v *verifiedToken) result(asked *tenant, id *protocol.Identity) authResult {
	if v == nil {
		return authResult{asked, id}
	}
	return authResult{v.tenant, id}
}

// tokenVerifier verifies JWTs with the keys of the tenants, and remembers those that hold.
type tokenVerifier struct {
	tenants *tenantRegistry
	cache   *tokenCache
}

// check checks a JWT. Where the dialect admits anonymous clients, an empty token is one of those.
func (t *tokenVerifier) check(ctx context.Context, a *attempt) (authResult, Outcome) {
	switch {
	case a.credential.For != "":
		return a.refuse(decision.TokenForm, UnsupportedType)
	case a.credential.Token == "" && a.credential.Claims.Anonymous && a.tenant != nil:
		return authResult{a.tenant, &protocol.Identity{Topics: a.tenant.anonymous}}, Anonymous
	case a.credential.Token == "":
		return a.refuse(decision.TokenForm, NoToken)
	}
	known, outcome := t.verified(ctx, a)
	if !outcome.admits() {
		return known.result(a.tenant, nil), outcome
	}
	return known.result(a.tenant, known.identityAt(a.now)), outcome
}

// verified returns the verified JWT from the cache, or verifies it. It is nil for most tokens that do not hold.
func (t *tokenVerifier) verified(ctx context.Context, a *attempt) (*verifiedToken, Outcome) {
	asked := UnresolvedTenant
	if a.tenant != nil {
		asked = a.tenant.name
	}
	if a.asked != nil { // a token from the cache would tell nothing of its checks
		return t.verify(ctx, a)
	}
	hash := hashCredential(asked, &a.credential)
	known, outcome := t.cache.get(hash, a.table), Cached
	if known == nil {
		if known, outcome = t.verify(ctx, a); outcome != Accepted {
			return known, outcome
		}
		known.tenant.state.recordToken(known, a.now)
		t.cache.put(hash, known)
	}
	if known.hasExpired(a.now) {
		t.cache.remove(hash)
		return known, Expired
	}
	return known, outcome
}

// maxRetries is how often a token of an unknown key is tried again: with keys that have come meanwhile, and behind a
// fetch that was under way and one that began later.
const maxRetries = 3

// verify verifies a token with the keys of the table. If the token names an unknown key, it fetches the key sets and
// tries again with the keys that are there then.
func (t *tokenVerifier) verify(ctx context.Context, first *attempt) (*verifiedToken, Outcome) {
	a, before := *first, first.asked.Len()
	found, outcome := a.verify(ctx)
	for tries := 0; outcome == UnknownKey && tries < maxRetries; tries++ {
		// A fetch that has ended since the table was read may have brought the key: another one would be one too many.
		if t.tenants.table.Load() == a.table && !refetch(ctx, a.table.tenantsAt(a.tenant)) {
			break
		}
		a.table = t.tenants.table.Load()
		if a.tenant != nil {
			if a.tenant = a.table.byName[a.tenant.name]; a.tenant == nil {
				return nil, UnknownTenant
			}
		}
		if a.asked != nil {
			a.asked.Truncate(before)
		}
		found, outcome = a.verify(ctx)
	}
	if (outcome == UnknownKey || outcome == BadAlgorithm) && awaitKeySet(a.table.tenantsAt(a.tenant)) {
		outcome = Unavailable
		a.asked.Step(decision.TokenBackend, false)
	}
	return found, outcome
}
