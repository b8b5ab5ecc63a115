package auth

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
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
	return !v.expires.IsZero() && !now.Before(v.expires.Add(v.tenant.leeway))
}

// identityAt returns a copy of the identity for one caller.
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

// result names the tenant of the token or, if there is no verified token, the tenant that was asked for.
func (v *verifiedToken) result(asked *tenant, id *protocol.Identity) authResult {
	if v == nil {
		return authResult{asked, id}
	}
	return authResult{v.tenant, id}
}

// verify checks a token with the keys of the table, from the outside in: syntax, key, signature, and only then the
// claims. Where the tenant is unresolved, the signature decides whose token it is.
func (a *attempt) verify() (*verifiedToken, Outcome) {
	tok, outcome := parse(a.credential.Token)
	if outcome != Accepted {
		return nil, outcome
	}
	candidates, outcome := a.table.candidates(a.tenant, &tok, a.credential.Form)
	if outcome != Accepted {
		return nil, outcome
	}
	var found *verifiedToken
	outcome = BadSignature
	for _, c := range candidates {
		if c.key.method.Verify(tok.signed, tok.signature, c.key.check) != nil {
			continue
		}
		found, outcome = c.tenant.checkClaims(tok.claims, c.key, &a.credential, a.now)
		if outcome != BadIssuer { // else another tenant may have this key, for another issuer
			break
		}
	}
	return found, outcome
}

// checkClaims reads the claims of a token whose signature holds. The verifiedToken names the tenant even if the outcome
// refuses the token.
func (t *tenant) checkClaims(
	encoded string, by *key, credential *protocol.Credential, now time.Time,
) (*verifiedToken, Outcome) {
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
	return v, t.readIdentity(c, rules, v)
}

// checkTimes checks that the token is good now. The time of issue says nothing about that (RFC 7519 section 4.1.6); it
// is for revocations.
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

// checkPurpose checks that the token was made for this audience and for opening a socket.
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

// readIdentity reads who the bearer is and which topics it may hear.
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
