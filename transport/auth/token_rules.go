package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// tokenRules are a tenant's rules for the claims of its tokens and session cookies.
type tokenRules struct {
	leeway      time.Duration
	user        []string           // claims that may name the user
	topics      []protocol.Pattern // of a token that names none
	neverExpire bool
}

// set takes the rules from the settings of the tenant, except topics. The error names all that is wrong with them.
func (r *tokenRules) set(settings *TenantKeys) error {
	r.leeway, r.user, r.neverExpire = settings.Leeway, settings.User, settings.NeverExpire
	var problems []error
	switch {
	case r.leeway == 0:
		r.leeway = DefaultLeeway
	case r.leeway == NoLeeway:
		r.leeway = 0
	case r.leeway < 0 || r.leeway > MaxLeeway:
		problems = append(problems, fmt.Errorf("leeway is %s; it may be at most %s, so set the clocks instead",
			r.leeway, MaxLeeway))
	}
	if len(r.user) == 0 {
		r.user = []string{"sub"}
	}
	for _, claim := range r.user {
		if strings.Contains("."+claim+".", "..") {
			problems = append(problems, fmt.Errorf("user claim %s has an empty part; write it as sub or data.id",
				protocol.Quote(claim)))
		}
	}
	return errors.Join(problems...)
}

// check reads the claims of a token whose signature holds, and puts into v what they say.
func (r *tokenRules) check(
	encoded string, by *key, credential *protocol.Credential, v *verifiedToken, now time.Time,
) Outcome {
	rules := &credential.Claims
	v.identity.Key = by.fingerprint
	raw, err := base64url.DecodeString(encoded)
	if err != nil {
		return Malformed
	}
	c, err := readClaims(raw)
	if err != nil {
		return Malformed
	}
	if credential.Form == protocol.Cookie {
		if by.session || c.isSession() {
			return r.checkSession(c, v, now)
		}
		rules = &cookieClaims
	}
	if by.issuer != "" && c.issuer() != by.issuer {
		return BadIssuer
	}
	if outcome := r.checkTimes(c, v, r.neverExpire, now); outcome != Accepted {
		return outcome
	}
	if outcome := checkPurpose(c, by, rules); outcome != Accepted {
		return outcome
	}
	return r.readIdentity(c, rules, v)
}

// checkTimes checks that the token is good now. The time of issue says nothing about that (RFC 7519 section 4.1.6); it
// is for revocations.
func (r *tokenRules) checkTimes(c claims, v *verifiedToken, mayLast bool, now time.Time) Outcome {
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
	if begins.After(now.Add(r.leeway)) {
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
func (r *tokenRules) readIdentity(c claims, rules *protocol.Claims, v *verifiedToken) Outcome {
	names := rules.User
	if len(names) == 0 {
		names = r.user
	}
	var ok bool
	if v.identity.User, ok = c.user(names); !ok {
		return BadUser
	}
	if v.identity.TokenID, ok = c.tokenID(); !ok {
		return BadTokenID
	}
	if v.identity.Topics, ok = c.topics("topics", r.topics); !ok {
		return BadTopics
	}
	publish, ok := c.topics("publish", nil)
	if !ok {
		return BadTopics
	}
	v.identity.Topics = slices.Clip(v.identity.Topics) // they may be the tenant's
	for _, p := range publish {
		v.identity.Topics = append(v.identity.Topics, protocol.PublishTo(p))
	}
	return Accepted
}

// authentik is the iss of authentik's session cookies. nobody is their sub before anybody has logged in.
const (
	authentik = "authentik"
	nobody    = "anonymous"
)

// isSession tells the claims of a session apart from those of a token, where one key signs both.
func (c claims) isSession() bool { return c.issuer() == authentik && c.has("sid") }

// checkSession reads the claims of an authentik session: {sid, iss, sub, authenticated, acr}, usually without times.
func (r *tokenRules) checkSession(c claims, v *verifiedToken, now time.Time) Outcome {
	if c.issuer() != authentik {
		return BadIssuer
	}
	if outcome := r.checkTimes(c, v, true, now); outcome != Accepted {
		return outcome
	}
	id, ok := &v.identity, false
	if id.TokenID, ok = rawjson.Text(rawjson.Find(c, "sid")); !ok || protocol.CheckName("sid", id.TokenID) != nil {
		return BadTokenID
	}
	if id.User, ok = c.user([]string{"sub"}); !ok {
		return BadUser
	}
	if string(rawjson.Find(c, "authenticated")) != "true" || id.User == nobody {
		return BadSession
	}
	id.Topics, v.session = r.topics, true
	return Accepted
}
