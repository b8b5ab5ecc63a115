package auth

import (
	"context"
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/introspection"
)

// tenant holds a tenant's keys and rules. It is never changed: new settings make a new tenant with the same
// tenantState.
type tenant struct {
	name            string
	keys            keyRing // of tokens
	cookies         keyRing // of session cookies
	rules           tokenRules
	signer          tokenSigner
	anonymous       []protocol.Pattern // of clients that prove nothing
	outposts        outpostTokens
	apps            []app
	allowUnverified bool
	users           map[string]struct{} // that exist; nil for all
	backend         backend
	allowUnresolved bool
	remote          remoteKeySets
	warnings        []string     // about keys that were left out
	state           *tenantState // shared with the tenants of this name before
}

// fingerprints returns those of all its keys.
func (t *tenant) fingerprints() (all []protocol.KeyFingerprint) {
	for _, r := range [...]*keyRing{&t.keys, &t.cookies} {
		for _, k := range r.all {
			all = append(all, k.fingerprint)
		}
	}
	for i := range t.apps {
		all = append(all, t.apps[i].fingerprint)
	}
	return all
}

// hasKey reports whether a key with this fingerprint is still one of the tenant's.
func (t *tenant) hasKey(fingerprint protocol.KeyFingerprint) bool {
	return t.keys.has(fingerprint) || t.cookies.has(fingerprint) ||
		slices.ContainsFunc(t.apps, func(a app) bool { return a.fingerprint == fingerprint })
}

// admitsForever reports whether the tenant admits credentials that do not end by themselves: its revocations must not
// end then, either.
func (t *tenant) admitsForever() bool {
	return t.rules.neverExpire || len(t.cookies.all) > 0 || len(t.outposts) > 0 || len(t.apps) > 0 ||
		t.allowUnverified || t.backend.client != nil
}

// revocationEnd is the time at which every token issued until issued has expired, but at least age after that; zero
// for never.
func (t *tenant) revocationEnd(issued time.Time, age time.Duration) time.Time {
	if t.admitsForever() {
		return time.Time{}
	}
	return later(issued.Add(age), time.Unix(t.state.latestExpiry.Load(), 0).Add(MaxLeeway))
}

// confirmSession asks the backend about a session and puts the answer into the identity.
func (t *tenant) confirmSession(
	ctx context.Context, q introspection.Question, id *protocol.Identity, now time.Time,
) Outcome {
	answer, outcome := t.backend.ask(ctx, q)
	switch {
	case outcome != Accepted:
		return outcome
	case !answer.Allow:
		return BadSession
	case answer.Topics != nil:
		topics, err := patterns(answer.Topics)
		if err != nil {
			return Unavailable // this counts as no answer
		}
		id.Topics = topics
	}
	if answer.User != "" {
		id.User = answer.User
	}
	return t.applyAnswer(&answer, id, now)
}

// applyAnswer puts the times and the id of a session or token into the identity.
func (t *tenant) applyAnswer(answer *introspection.Answer, id *protocol.Identity, now time.Time) Outcome {
	if !answer.Expires.IsZero() && !now.Before(answer.Expires) {
		return Expired
	}
	if !answer.Expires.IsZero() && (id.Expires.IsZero() || answer.Expires.Before(id.Expires)) {
		id.Expires = answer.Expires
	}
	if id.TokenID == "" {
		id.TokenID = answer.ID
	}
	if id.Issued.IsZero() {
		t.state.issueTimes.record(id.User, answer.Issued, now)
		if !isAhead(answer.Issued, now) {
			id.Issued = answer.Issued
		}
	}
	return Accepted
}

// checkUser checks that the tenant knows the user.
func (t *tenant) checkUser(ctx context.Context, user string) Outcome {
	if user == "" {
		return UnknownUser
	}
	_, listed := t.users[user]
	switch {
	case listed:
		return Accepted
	case t.backend.asksAbout(introspection.User):
		answer, outcome := t.backend.ask(ctx, introspection.Question{Kind: introspection.User, User: user})
		if outcome == Accepted && !answer.Allow {
			return UnknownUser
		}
		return outcome
	case t.users == nil:
		return Accepted
	}
	return UnknownUser
}
