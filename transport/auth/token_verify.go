package auth

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// verdict is a token that was verified. It is never changed.
type verifiedToken struct {
	tenant   *tenant // whose keys let it in; once replaced, the verdict is void
	identity protocol.Identity
	expires  time.Time // exp, without leeway; zero for never
	session  bool      // of a session, which may have ended since
}

// hasExpired goes by the tenant's leeway.
func (v *verifiedToken) hasExpired(now time.Time) bool {
	return !v.expires.IsZero() && !now.Before(v.expires.Add(v.tenant.leeway))
}

// at is a copy of the identity for one connection.
func (v *verifiedToken) identityAt(now time.Time) *protocol.Identity {
	id := v.identity
	id.Expires = v.expires
	if !v.expires.IsZero() && !now.Before(v.expires) {
		id.Expires = v.expires.Add(v.tenant.leeway)
	}
	if isAhead(id.Issued, now) {
		id.Issued = time.Time{}
	}
	return &id
}

// finding is whose the verdict is, or if there is none at whom it was shown, with an identity, nil for none.
func (v *verifiedToken) result(at *tenant, id *protocol.Identity) authResult {
	if v == nil {
		return authResult{at, id}
	}
	return authResult{v.tenant, id}
}

// verify checks a token from the outside in: form, key, signature, and only then what it says. In the lobby, where at
// is nil, the signature decides whose it is.
func (r *tenantTable) verify(at *tenant, credential *protocol.Credential, now time.Time) (*verifiedToken, Outcome) {
	tok, outcome := parse(credential.Token)
	if outcome != Accepted {
		return nil, outcome
	}
	claimants, outcome := r.candidates(at, &tok, credential.Form)
	if outcome != Accepted {
		return nil, outcome
	}
	var found *verifiedToken
	outcome = BadSignature
	for _, c := range claimants {
		if c.key.method.Verify(tok.signed, tok.signature, c.key.check) != nil {
			continue
		}
		found, outcome = c.tenant.checkClaims(tok.claims, c.key, credential, now)
		if outcome != BadIssuer { // else another tenant may have this key, for another issuer
			break
		}
	}
	return found, outcome
}

// judge reads the claims of a token whose signature holds. The verdict says whose it is even if the outcome is against
// it.
func (t *tenant) checkClaims(encoded string, by *key, credential *protocol.Credential, now time.Time) (*verifiedToken,
	Outcome) {
	v, rules := &verifiedToken{tenant: t}, &credential.Claims
	v.identity.Key = by.fingerprint
	raw, err := base64url.DecodeString(encoded)
	if err != nil {
		return v, Malformed
	}
	c, err := readClaims(raw)
	if err != nil {
		return v, Malformed
	}
	if credential.Form == protocol.Cookie {
		if by.session || c.isSession() {
			return v, t.checkSession(c, v, now)
		}
		rules = &cookieClaims
	}
	if by.issuer != "" && c.issuer() != by.issuer {
		return v, BadIssuer
	}
	if outcome := t.checkTimes(c, v, t.neverExpire, now); outcome != Accepted {
		return v, outcome
	}
	if outcome := checkPurpose(c, by, rules); outcome != Accepted {
		return v, outcome
	}
	if outcome := t.readIdentity(c, rules, v); outcome != Accepted {
		return v, outcome
	}
	return v, Accepted
}

// judgeTimes: is it good now? The time at which it was issued says nothing about that (RFC 7519 section 4.1.6); it is
// for revocations.
func (t *tenant) checkTimes(c claims, v *verifiedToken, mayLast bool, now time.Time) Outcome {
	expires, ok1 := c.time("exp")
	begins, ok2 := c.time("nbf")
	issued, ok3 := c.time("iat")
	if !ok1 || !ok2 || !ok3 || expires.IsZero() && !mayLast {
		return BadTime
	}
	v.expires, v.identity.Issued = expires, issued
	if v.hasExpired(now) {
		return Expired
	}
	if begins.After(now.Add(t.leeway)) {
		return BadTime
	}
	return Accepted
}

// judgePurpose: is it for whom and for what it should be?
func checkPurpose(c claims, by *key, rules *protocol.Claims) Outcome {
	if by.audience != "" && !c.isFor(by.audience) {
		return BadAudience
	}
	if c.isRefused(rules.Refuse) {
		return BadType
	}
	for _, name := range rules.Require {
		if !c.has(name) {
			return MissingClaim
		}
	}
	return Accepted
}

// judgeBearer: who is it, and what may it hear?
func (t *tenant) readIdentity(c claims, rules *protocol.Claims, v *verifiedToken) Outcome {
	names := rules.User
	if len(names) == 0 {
		names = t.user
	}
	var ok bool
	if v.identity.User, ok = c.user(names); !ok {
		return BadUser
	}
	if v.identity.TokenID, ok = c.tokenID(); !ok {
		return BadTokenID
	}
	if v.identity.Topics, ok = c.topics(t.topics); !ok {
		return BadTopics
	}
	return Accepted
}
