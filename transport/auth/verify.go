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
	return &id
}

// verify checks a token from the outside in: form, key, signature, and only then what it says.
func (t *tenant) verify(text string, rules *protocol.Claims, now time.Time) (*verdict, Outcome) {
	tok, outcome := parse(text)
	if outcome != Accepted {
		return nil, outcome
	}
	keys, outcome := t.candidates(&tok)
	if outcome != Accepted {
		return nil, outcome
	}
	for _, k := range keys {
		if k.method.Verify(tok.signed, tok.signature, k.check) == nil {
			return t.judge(tok.claims, rules, now)
		}
	}
	return nil, BadSignature
}

// judge reads the claims of a token whose signature holds.
func (t *tenant) judge(encoded string, rules *protocol.Claims, now time.Time) (*verdict, Outcome) {
	raw, err := base64url.DecodeString(encoded)
	if err != nil {
		return nil, Malformed
	}
	members, err := protocol.ReadObject(raw)
	if err != nil {
		return nil, Malformed
	}
	c, v := claims(members), &verdict{tenant: t}
	if outcome := t.judgeTimes(c, v, now); outcome != Accepted {
		return nil, outcome
	}
	if outcome := t.judgePurpose(c, rules); outcome != Accepted {
		return nil, outcome
	}
	if outcome := t.judgeBearer(c, rules, v); outcome != Accepted {
		return nil, outcome
	}
	return v, Accepted
}

// judgeTimes: is it good now?
func (t *tenant) judgeTimes(c claims, v *verdict, now time.Time) Outcome {
	expires, ok1 := c.time("exp")
	begins, ok2 := c.time("nbf")
	issued, ok3 := c.time("iat")
	if !ok1 || !ok2 || !ok3 || expires.IsZero() && !t.neverExpire {
		return BadTime
	}
	v.expires, v.identity.Issued = expires, issued
	if v.hasExpired(now) {
		return Expired
	}
	if soon := now.Add(t.leeway); begins.After(soon) || issued.After(soon) {
		return BadTime
	}
	return Accepted
}

// judgePurpose: is it by whom, for whom and for what it should be?
func (t *tenant) judgePurpose(c claims, rules *protocol.Claims) Outcome {
	if t.issuer != "" {
		if issuer, ok := protocol.Text(protocol.Find(c, "iss")); !ok || issuer != t.issuer {
			return BadIssuer
		}
	}
	if t.audience != "" && !c.isFor(t.audience) {
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
