package auth

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// verdict is a token that was verified. It is never changed.
type verdict struct {
	tenant   *tenant // whose keys let it in; once replaced, the verdict is void
	identity protocol.Identity
	expires  time.Time // exp, without leeway; zero for never
	session  bool      // of a session, which may have ended since
}

// hasExpired goes by the tenant's leeway.
func (v *verdict) hasExpired(now time.Time) bool {
	return !v.expires.IsZero() && !now.Before(v.expires.Add(v.tenant.leeway))
}

// at is a copy of the identity for one connection.
func (v *verdict) at(now time.Time) *protocol.Identity {
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
func (v *verdict) finding(at *tenant, id *protocol.Identity) finding {
	if v == nil {
		return finding{at, id}
	}
	return finding{v.tenant, id}
}

// verify checks a token from the outside in: form, key, signature, and only then what it says. In the lobby, where at is
// nil, the signature decides whose it is.
func (r *roster) verify(at *tenant, shown *protocol.Credential, now time.Time) (*verdict, Outcome) {
	tok, outcome := parse(shown.Token)
	if outcome != Accepted {
		return nil, outcome
	}
	claimants, outcome := r.claimants(at, &tok, shown.Form)
	if outcome != Accepted {
		return nil, outcome
	}
	var found *verdict
	outcome = BadSignature
	for _, c := range claimants {
		if c.key.method.Verify(tok.signed, tok.signature, c.key.check) != nil {
			continue
		}
		found, outcome = c.tenant.judge(tok.claims, c.key, shown, now)
		if outcome != BadIssuer { // else another tenant may have this key, for another issuer
			break
		}
	}
	return found, outcome
}

// judge reads the claims of a token whose signature holds. The verdict says whose it is even if the outcome is against it.
func (t *tenant) judge(encoded string, by *key, shown *protocol.Credential, now time.Time) (*verdict, Outcome) {
	v, rules := &verdict{tenant: t}, &shown.Claims
	v.identity.Key = by.fingerprint
	raw, err := base64url.DecodeString(encoded)
	if err != nil {
		return v, Malformed
	}
	c, err := readClaims(raw)
	if err != nil {
		return v, Malformed
	}
	if shown.Form == protocol.Cookie {
		if by.session || c.areOfSession() {
			return v, t.judgeSession(c, v, now)
		}
		rules = &cookieClaims
	}
	if by.issuer != "" && c.issuer() != by.issuer {
		return v, BadIssuer
	}
	if outcome := t.judgeTimes(c, v, t.neverExpire, now); outcome != Accepted {
		return v, outcome
	}
	if outcome := judgePurpose(c, by, rules); outcome != Accepted {
		return v, outcome
	}
	if outcome := t.judgeBearer(c, rules, v); outcome != Accepted {
		return v, outcome
	}
	return v, Accepted
}

// judgeTimes: is it good now? The time at which it was issued says nothing about that (RFC 7519 section 4.1.6); it is for
// revocations.
func (t *tenant) judgeTimes(c claims, v *verdict, mayLast bool, now time.Time) Outcome {
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
func judgePurpose(c claims, by *key, rules *protocol.Claims) Outcome {
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
func (t *tenant) judgeBearer(c claims, rules *protocol.Claims, v *verdict) Outcome {
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
