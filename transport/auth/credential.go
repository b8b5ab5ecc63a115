package auth

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// finding is what became of a check: whose credential it is, nil if it is nobody's in the lobby, and who showed it, nil
// if it does not hold.
type authResult struct {
	tenant   *tenant
	identity *protocol.Identity
}

// check asks by the form of what is shown. at is nil in the lobby.
func (v *Verifier) check(ctx context.Context, r *tenantTable, at *tenant, credential *protocol.Credential,
	now time.Time) (authResult, Outcome) {
	if len(credential.Token) > protocol.MaxToken {
		return authResult{tenant: at}, TooLarge
	}
	switch credential.Form {
	case protocol.Token:
		return v.checkToken(ctx, r, at, credential, now)
	case protocol.Cookie:
		return v.checkCookie(ctx, r, at, credential, now)
	case protocol.Ticket:
		return v.checkTicket(r, at, credential, now)
	case protocol.Outpost:
		return v.checkOutpost(ctx, r, at, credential, now)
	case protocol.Unproven:
		return checkUnverified(at, credential)
	}
	return authResult{tenant: at}, UnsupportedType
}

// recheck asks what may change while a credential is remembered.
func (v *Verifier) recheck(ctx context.Context, found *authResult, credential *protocol.Credential, outcome Outcome,
	now time.Time) Outcome {
	if found.tenant.state.revoked.covers(found.identity, now) {
		return Revoked
	}
	if credential.Claims.Known {
		if known := found.tenant.checkUser(ctx, found.identity.User); known != Accepted {
			return known
		}
	}
	return outcome
}

// checkToken: a JWT, or none where the dialect lets a client in without.
func (v *Verifier) checkToken(ctx context.Context, r *tenantTable, at *tenant, credential *protocol.Credential,
	now time.Time) (authResult, Outcome) {
	switch {
	case credential.For != "":
		return authResult{tenant: at}, UnsupportedType
	case credential.Token == "" && credential.Claims.Anonymous && at != nil:
		return authResult{at, &protocol.Identity{Topics: at.anonymous}}, Anonymous
	case credential.Token == "":
		return authResult{tenant: at}, NoToken
	}
	known, outcome := v.verifiedToken(ctx, r, at, credential, now)
	if !outcome.admits() {
		return known.result(at, nil), outcome
	}
	return known.result(at, known.identityAt(now)), outcome
}

// checkUnproven: the tenant must want it, and then a client is who it says it is. It may hear what anybody may.
func checkUnverified(at *tenant, credential *protocol.Credential) (authResult, Outcome) {
	switch {
	case at == nil || !at.allowUnverified || credential.Token != "":
		return authResult{tenant: at}, UnsupportedType
	case protocol.CheckName("user", credential.For) != nil:
		return authResult{tenant: at}, BadUser
	}
	return authResult{at, &protocol.Identity{User: credential.For, Unproven: true, Topics: at.anonymous}}, Unverified
}

// verdict returns what is known of a JWT, from memory or anew. One that does not hold has none.
func (v *Verifier) verifiedToken(ctx context.Context, r *tenantTable, at *tenant, credential *protocol.Credential,
	now time.Time) (*verifiedToken, Outcome) {
	where := UnresolvedTenant
	if at != nil {
		where = at.name
	}
	mark := hashCredential(where, credential)
	known, outcome := v.cache.get(mark, r), Cached
	if known == nil {
		if known, outcome = v.verify(ctx, r, at, credential, now); outcome != Accepted {
			return known, outcome
		}
		known.tenant.state.recordToken(known, now)
		v.cache.put(mark, known)
	}
	if known.hasExpired(now) {
		v.cache.remove(mark)
		return known, Expired
	}
	return known, outcome
}
