package auth

import "time"

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
	t, err := v.tenants.find(tenant)
	if err != nil {
		return err
	}
	now := v.now()
	if err := r.check(now.Add(t.rules.leeway)); err != nil {
		return err
	}
	before := r.Before
	if before.IsZero() && r.TokenID == "" {
		before = later(now, t.state.latestIssuedTo(r.User)).Add(1) // that instant is within
	}
	span := revocationSpan{before, t.revocationEnd(later(now, r.Before), v.revoked.age)}
	return v.revoked.record(&t.state.revoked, entry{tenant, target{r.User, r.TokenID}, span}, now)
}

// Unrevoke takes back the revocation with the same User and TokenID, and reports whether there was one. The errors and
// the blocking are those of Revoke; with StorageFull it is taken back only until this process ends.
func (v *Verifier) Unrevoke(tenant string, r Revocation) (was bool, err error) {
	t, err := v.tenants.find(tenant)
	if err != nil {
		return false, err
	}
	if err := (Revocation{User: r.User, TokenID: r.TokenID}).check(time.Time{}); err != nil {
		return false, err
	}
	return v.revoked.takeBack(&t.state.revoked, entry{tenant: tenant, target: target{r.User, r.TokenID}})
}
