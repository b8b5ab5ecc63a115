package auth

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
	"github.com/parley-realtime/parley/transport/auth/introspection"
)

// authentik is the iss of authentik's session cookies. nobody is their sub before anybody has logged in.
const (
	authentik = "authentik"
	nobody    = "anonymous"
)

// maxSession bounds an opaque session key, in bytes.
const maxSession = 512

// cookieClaims are the rules for a tenant's own token in a cookie, since a dialect with cookies has no rules for
// tokens.
var cookieClaims = protocol.Claims{Refuse: []string{"refresh"}}

// addCookies adds the keys that sign session cookies: first those of authentik, then the tenant's, if these may.
func (t *tenant) addCookies(settings TenantKeys) error {
	for i, secret := range settings.Cookie.Secrets {
		if len(secret) < minSecret {
			return fmt.Errorf("cookie secret %d has %d bytes; at least %d are needed, since anybody who guesses it "+
				"can make cookies", i+1, len(secret), minSecret)
		}
		sum := sha512.Sum512([]byte(secret))
		signing := []byte(hex.EncodeToString(sum[:]))
		k, err := newKey("", "HS256", signing, nil)
		if err != nil {
			return fmt.Errorf("cookie secret %d %w", i+1, err)
		}
		k.session = true
		if err := t.cookies.add(k); err != nil {
			return err
		}
	}
	if !settings.Cookie.Tokens {
		return nil
	}
	for _, k := range t.keys.all {
		if err := t.cookies.add(k); err != nil {
			return err
		}
	}
	return nil
}

// isSession tells the claims of a session apart from those of a token, where one key signs both.
func (c claims) isSession() bool { return c.issuer() == authentik && c.has("sid") }

// checkSession reads the claims of an authentik session: {sid, iss, sub, authenticated, acr}, usually without times.
func (t *tenant) checkSession(c claims, v *verifiedToken, now time.Time) Outcome {
	if c.issuer() != authentik {
		return BadIssuer
	}
	if outcome := t.checkTimes(c, v, true, now); outcome != Accepted {
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
	id.Topics, v.session = t.topics, true
	return Accepted
}

// checkCookie checks a session cookie. A JWT says by itself whose session it is; the backend, if it is asked about
// sessions, says whether the session has ended. Anything else is a session key that only the backend knows.
func (v *Verifier) checkCookie(ctx context.Context, a *attempt) (authResult, Outcome) {
	if a.credential.Token == "" || a.credential.For != "" {
		return a.fail(BadSession)
	}
	if strings.Count(a.credential.Token, ".") != 2 {
		return a.checkOpaque(ctx)
	}
	known, outcome := v.verifiedToken(ctx, a)
	if !outcome.admits() {
		return known.result(a.tenant, nil), outcome
	}
	found := known.result(a.tenant, known.identityAt(a.now))
	if known.session && known.tenant.introspection.AsksAbout(introspection.Session) {
		question := introspection.Question{Kind: introspection.Session, Session: found.identity.TokenID,
			User: found.identity.User}
		if confirmed := found.tenant.confirmSession(ctx, question, found.identity, a.now); confirmed != Accepted {
			return authResult{tenant: found.tenant}, confirmed
		}
	}
	return found, outcome
}

// checkOpaque asks the backend whose session a key is. Where the tenant is unresolved it asks no backend: that would
// show one tenant's secret to another.
func (a *attempt) checkOpaque(ctx context.Context) (authResult, Outcome) {
	session := a.credential.Token
	if a.tenant == nil || !a.tenant.introspection.AsksAbout(introspection.Session) || len(session) > maxSession {
		return a.fail(UnsupportedType)
	}
	id := &protocol.Identity{Topics: a.tenant.topics}
	question := introspection.Question{Kind: introspection.Session, Session: session}
	if outcome := a.tenant.confirmSession(ctx, question, id, a.now); outcome != Accepted {
		return a.fail(outcome)
	}
	if id.User == "" {
		return a.fail(BadSession)
	}
	return authResult{a.tenant, id}, Accepted
}
