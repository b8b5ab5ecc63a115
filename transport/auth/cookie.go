package auth

import (
	"context"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
	"github.com/parley-realtime/parley/transport/auth/introspection"
)

// maxSession bounds an opaque session key, in bytes.
const maxSession = 512

// cookieClaims are the rules for a tenant's own token in a cookie, since a dialect with cookies has no rules for
// tokens.
var cookieClaims = protocol.Claims{Refuse: []string{"refresh"}}

// checkCookie checks a session cookie. A JWT says by itself whose session it is; the backend, if it is asked about
// sessions, says whether the session has ended. Anything else is a session key that only the backend knows.
func checkCookie(ctx context.Context, a *attempt, tokens *tokenVerifier) (authResult, Outcome) {
	if a.credential.Token == "" || a.credential.For != "" {
		return a.refuse(decision.TokenForm, BadSession)
	}
	if strings.Count(a.credential.Token, ".") != 2 {
		return checkSessionKey(ctx, a)
	}
	known, outcome := tokens.verified(ctx, a)
	if !outcome.admits() {
		return known.result(a.tenant, nil), outcome
	}
	found := known.result(a.tenant, known.identityAt(a.now))
	if known.session && known.tenant.backend.asksAbout(introspection.Session) {
		question := introspection.Question{Kind: introspection.Session, Session: found.identity.TokenID,
			User: found.identity.User}
		confirmed := found.tenant.confirmSession(ctx, question, found.identity, a.now)
		if !a.passes(decision.TokenBackend, confirmed) {
			return authResult{tenant: found.tenant}, confirmed
		}
	}
	return found, outcome
}

// checkSessionKey asks the backend whose session an opaque key is. Where the tenant is unresolved it asks no backend:
// that would show one tenant's secret to another.
func checkSessionKey(ctx context.Context, a *attempt) (authResult, Outcome) {
	session := a.credential.Token
	if a.tenant == nil || !a.tenant.backend.asksAbout(introspection.Session) || len(session) > maxSession {
		return a.refuse(decision.TokenForm, UnsupportedType)
	}
	id := &protocol.Identity{Topics: a.tenant.rules.topics}
	question := introspection.Question{Kind: introspection.Session, Session: session}
	if outcome := a.tenant.confirmSession(ctx, question, id, a.now); !a.passes(decision.TokenBackend, outcome) {
		return a.fail(outcome)
	}
	if id.User == "" {
		return a.refuse(decision.TokenUser, BadSession)
	}
	return authResult{a.tenant, id}, Accepted
}
