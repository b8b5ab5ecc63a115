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

// authentik is the iss of its session cookies, and nobody what their sub is while nobody has logged in.
const (
	authentik = "authentik"
	nobody    = "anonymous"
)

// maxSession bounds an opaque session key, in bytes.
const maxSession = 512

// cookieClaims are the rules for a tenant's own token in a cookie: a dialect with cookies has none for tokens.
var cookieClaims = protocol.Claims{Refuse: []string{"refresh"}}

// addCookies makes the keys of session cookies: those of authentik first.
func (t *tenant) addCookies(settings TenantKeys) error {
	for i, secret := range settings.Cookie.Secrets {
		if len(secret) < minSecret {
			return fmt.Errorf(
				"cookie secret %d has %d bytes; at least %d are needed, since who guesses it can make cookies", i+1,
				len(secret), minSecret)
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

// areOfSession tells the claims of a session apart from those of a token, where one key signs both.
func (c claims) isSession() bool { return c.issuer() == authentik && c.has("sid") }

// judgeSession reads the claims of an authentik session: {sid, iss, sub, authenticated, acr}, without times as a rule.
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

// checkCookie: a JWT tells by itself whose session it is, and the backend, if it is asked about sessions, whether the
// session is alive. Anything else is a key that only the backend knows.
func (v *Verifier) checkCookie(ctx context.Context, r *tenantTable, at *tenant, credential *protocol.Credential,
	now time.Time) (authResult, Outcome) {
	if credential.Token == "" || credential.For != "" {
		return authResult{tenant: at}, BadSession
	}
	if strings.Count(credential.Token, ".") != 2 {
		return v.checkOpaque(ctx, at, credential.Token, now)
	}
	known, outcome := v.verifiedToken(ctx, r, at, credential, now)
	if !outcome.admits() {
		return known.result(at, nil), outcome
	}
	found := known.result(at, known.identityAt(now))
	if known.session && known.tenant.introspection.AsksAbout(introspection.Session) {
		question := introspection.Question{Kind: introspection.Session, Session: found.identity.TokenID,
			User: found.identity.User}
		if asked := v.confirmSession(ctx, found.tenant, question, found.identity, now); asked != Accepted {
			return authResult{tenant: found.tenant}, asked
		}
	}
	return found, outcome
}

// checkOpaque asks the backend whose session a key is. In the lobby nobody is asked: it would be showing one tenant's
// secret to another.
func (v *Verifier) checkOpaque(ctx context.Context, at *tenant, session string, now time.Time) (authResult, Outcome) {
	found := authResult{tenant: at}
	if at == nil || !at.introspection.AsksAbout(introspection.Session) || len(session) > maxSession {
		return found, UnsupportedType
	}
	id := &protocol.Identity{Topics: at.topics}
	question := introspection.Question{Kind: introspection.Session, Session: session}
	if outcome := v.confirmSession(ctx, at, question, id, now); outcome != Accepted {
		return found, outcome
	}
	if id.User == "" {
		return found, BadSession
	}
	found.identity = id
	return found, Accepted
}
