package auth

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// attempt is one call of Authenticate.
type attempt struct {
	table      *tenantTable
	tenant     *tenant // that the client asks for; nil for UnresolvedTenant
	credential protocol.Credential
	now        time.Time
}

// authResult is what a check found out: the tenant that the credential belongs to, nil if that is not resolved, and the
// identity, nil if the credential does not hold.
type authResult struct {
	tenant   *tenant
	identity *protocol.Identity
}

// fail returns the outcome without an identity.
func (a *attempt) fail(outcome Outcome) (authResult, Outcome) {
	return authResult{tenant: a.tenant}, outcome
}

// check checks the credential by its type.
func (v *Verifier) check(ctx context.Context, a *attempt) (authResult, Outcome) {
	if len(a.credential.Token) > protocol.MaxToken {
		return a.fail(TooLarge)
	}
	switch a.credential.Form {
	case protocol.Token:
		return v.checkToken(ctx, a)
	case protocol.Cookie:
		return v.checkCookie(ctx, a)
	case protocol.Ticket:
		return v.checkTicket(a)
	case protocol.Outpost:
		return v.checkOutpost(ctx, a)
	case protocol.Unverified:
		return a.checkUnverified()
	}
	return a.fail(UnsupportedType)
}

// recheck checks what may change while a token is in the cache: revocation, and whether the user still exists.
func (a *attempt) recheck(ctx context.Context, found *authResult, outcome Outcome) Outcome {
	if found.tenant.state.revoked.covers(found.identity, a.now) {
		return Revoked
	}
	if a.credential.Claims.Known {
		if known := found.tenant.checkUser(ctx, found.identity.User); known != Accepted {
			return known
		}
	}
	return outcome
}

// checkToken checks a JWT. Where the dialect admits anonymous clients, an empty token is one of those.
func (v *Verifier) checkToken(ctx context.Context, a *attempt) (authResult, Outcome) {
	switch {
	case a.credential.For != "":
		return a.fail(UnsupportedType)
	case a.credential.Token == "" && a.credential.Claims.Anonymous && a.tenant != nil:
		return authResult{a.tenant, &protocol.Identity{Topics: a.tenant.anonymous}}, Anonymous
	case a.credential.Token == "":
		return a.fail(NoToken)
	}
	known, outcome := v.verifiedToken(ctx, a)
	if !outcome.admits() {
		return known.result(a.tenant, nil), outcome
	}
	return known.result(a.tenant, known.identityAt(a.now)), outcome
}

// checkUnverified takes the client's word for who it is, if the tenant allows that. Such a client may hear what
// anonymous clients may.
func (a *attempt) checkUnverified() (authResult, Outcome) {
	switch {
	case a.tenant == nil || !a.tenant.allowUnverified || a.credential.Token != "":
		return a.fail(UnsupportedType)
	case protocol.CheckName("user", a.credential.For) != nil:
		return a.fail(BadUser)
	}
	id := &protocol.Identity{User: a.credential.For, Unverified: true, Topics: a.tenant.anonymous}
	return authResult{a.tenant, id}, Unverified
}

// verifiedToken returns the verified JWT from the cache, or verifies it. It is nil for most tokens that do not hold.
func (v *Verifier) verifiedToken(ctx context.Context, a *attempt) (*verifiedToken, Outcome) {
	asked := UnresolvedTenant
	if a.tenant != nil {
		asked = a.tenant.name
	}
	hash := hashCredential(asked, &a.credential)
	known, outcome := v.cache.get(hash, a.table), Cached
	if known == nil {
		if known, outcome = v.verify(ctx, a); outcome != Accepted {
			return known, outcome
		}
		known.tenant.state.recordToken(known, a.now)
		v.cache.put(hash, known)
	}
	if known.hasExpired(a.now) {
		v.cache.remove(hash)
		return known, Expired
	}
	return known, outcome
}
