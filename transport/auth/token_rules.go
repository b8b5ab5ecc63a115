package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
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
func (r *tokenRules) check(encoded string, by *key, a *attempt, v *verifiedToken) Outcome {
	rules := &a.credential.Claims
	v.identity.Key = by.fingerprint
	raw, err := base64url.DecodeString(encoded)
	var c claims
	if err == nil {
		c, err = readClaims(raw)
	}
	if err != nil {
		a.asked.Step(decision.TokenSyntax, false)
		return Malformed
	}
	if a.credential.Form == protocol.Cookie {
		if by.session || c.isSession() {
			return r.checkSession(c, a, v)
		}
		rules = &cookieClaims
	}
	issued := by.issuer == "" || c.issuer() == by.issuer
	if !a.asked.Of(decision.TokenIssuer, by.ownIssuer, by.number, by.issuer, issued) {
		return BadIssuer
	}
	if outcome := r.checkTimes(c, a, v, r.neverExpire); outcome != Accepted {
		return outcome
	}
	if outcome := checkPurpose(c, by, rules, a.asked); outcome != Accepted {
		return outcome
	}
	return r.readIdentity(c, rules, v, a.asked)
}

// checkTimes checks that the token is good now. The time of issue says nothing about that (RFC 7519 section 4.1.6); it
// is for revocations.
func (r *tokenRules) checkTimes(c claims, a *attempt, v *verifiedToken, mayLast bool) Outcome {
	expires, ok1 := c.time("exp")
	begins, ok2 := c.time("nbf")
	issued, ok3 := c.time("iat")
	if !a.asked.Step(decision.TokenTimes, ok1 && ok2 && ok3 && (mayLast || !expires.IsZero())) {
		return BadTime
	}
	v.expires, v.identity.Issued = expires, issued
	if !a.asked.Step(decision.TokenExpiry, !v.hasExpired(a.now)) {
		return Expired
	}
	if !a.asked.Step(decision.TokenNotBefore, !begins.After(a.now.Add(r.leeway))) {
		return BadTime
	}
	return Accepted
}

// checkPurpose checks that the token was made for this audience and for opening a socket.
func checkPurpose(c claims, by *key, rules *protocol.Claims, asked *decision.Record) Outcome {
	isFor := by.audience == "" || c.isFor(by.audience)
	if !asked.Of(decision.TokenAudience, by.ownAudience, by.number, by.audience, isFor) {
		return BadAudience
	}
	if !asked.Step(decision.TokenPurpose, !c.isRefused(rules.Refuse)) {
		return BadType
	}
	for _, name := range rules.Require {
		if !asked.Text(decision.TokenClaims, name, c.has(name)) {
			return MissingClaim
		}
	}
	return Accepted
}

// readIdentity reads who the bearer is and which topics it may hear.
func (r *tokenRules) readIdentity(
	c claims, rules *protocol.Claims, v *verifiedToken, asked *decision.Record,
) Outcome {
	names := rules.User
	if len(names) == 0 {
		names = r.user
	}
	var ok bool
	v.identity.User, ok = c.user(names)
	if asked != nil {
		asked.Text(decision.TokenUser, strings.Join(names, ", "), ok)
	}
	if !ok {
		return BadUser
	}
	v.identity.TokenID, ok = c.tokenID()
	if !asked.Step(decision.TokenID, ok) {
		return BadTokenID
	}
	v.identity.Topics, ok = c.topics("topics", r.topics)
	if !asked.Step(decision.TokenTopics, ok) {
		return BadTopics
	}
	publish, ok := c.topics("publish", nil)
	if !ok {
		asked.Step(decision.TokenTopics, false)
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
func (r *tokenRules) checkSession(c claims, a *attempt, v *verifiedToken) Outcome {
	if !a.asked.Text(decision.TokenIssuer, authentik, c.issuer() == authentik) {
		return BadIssuer
	}
	if outcome := r.checkTimes(c, a, v, true); outcome != Accepted {
		return outcome
	}
	id, ok := &v.identity, false
	if id.TokenID, ok = rawjson.Text(rawjson.Find(c, "sid")); !ok || protocol.CheckName("sid", id.TokenID) != nil {
		a.asked.Step(decision.TokenID, false)
		return BadTokenID
	}
	id.User, ok = c.user([]string{"sub"})
	if !a.asked.Step(decision.TokenUser, ok) {
		return BadUser
	}
	loggedIn := string(rawjson.Find(c, "authenticated")) == "true" && id.User != nobody
	if !a.asked.Step(decision.TokenPurpose, loggedIn) {
		return BadSession
	}
	id.Topics, v.session = r.topics, true
	return Accepted
}
