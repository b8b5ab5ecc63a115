package auth_test

import (
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// secretKey is an AUTHENTIK_SECRET_KEY.
const secretKey = "an AUTHENTIK_SECRET_KEY of the tests, 32 bytes or more"

// baked is a cookie as authentik makes it: HS256 with the hexadecimal SHA-512 of its secret key.
func baked(key, claims string) string {
	sum := sha512.Sum512([]byte(key))
	return compact(jwt.SigningMethodHS256, []byte(hex.EncodeToString(sum[:])), `{"alg":"HS256","typ":"JWT"}`, claims)
}

// session are the claims of a session.
func session(sid, user string, authenticated bool) string {
	return fmt.Sprintf(`{"sid":%q,"iss":"authentik","sub":%q,"authenticated":%t,"acr":"goauthentik.io/core/default"}`,
		sid, user, authenticated)
}

func cookie(text string) protocol.Credential {
	return protocol.Credential{Form: protocol.Cookie, Token: text}
}

func withCookies() auth.TenantKeys {
	keys := withSecret()
	keys.Cookie.Secrets = []string{secretKey}
	return keys
}

// R003.3: the session's cookie names the user; an anonymous session is nobody's.
func TestCookie_OfAuthentikIsItsUsers(t *testing.T) {
	keys := withCookies()
	keys.Topics, keys.Issuer, keys.Audience = []string{"a"}, "elsewhere", "elsewhere" // which are about tokens
	b := one(t, keys)
	for range 2 {
		id := b.admits(t, "acme", cookie(baked(secretKey, session("s-1", "u-1", true))))
		if id.User != "u-1" || id.TokenID != "s-1" || !id.Expires.IsZero() {
			t.Errorf("identity %+v", id)
		}
		checkTopics(t, id, "a")
	}
	if got := b.outcomes(); got["accepted"] != 1 || got["cached"] != 1 {
		t.Errorf("outcomes %v", got)
	}
}

func TestCookie_WhatIsNoSessionIsRefused(t *testing.T) {
	b := one(t, withCookies())
	good := session("s-1", "u-1", true)
	b.admits(t, "acme", cookie(baked(secretKey, good)))
	for name, text := range map[string]string{
		"nobody has logged in":     baked(secretKey, session("s-1", "anonymous", false)),
		"not authenticated":        baked(secretKey, session("s-1", "u-1", false)),
		"authenticated as nobody":  baked(secretKey, session("s-1", "anonymous", true)),
		"authenticated is a text":  baked(secretKey, strings.Replace(good, "true", `"true"`, 1)),
		"authenticated is missing": baked(secretKey, `{"sid":"s-1","iss":"authentik","sub":"u-1"}`),
		"another issuer":           baked(secretKey, strings.Replace(good, `"authentik"`, `"elsewhere"`, 1)),
		"no sid":                   baked(secretKey, strings.Replace(good, `"sid"`, `"dis"`, 1)),
		"no sub":                   baked(secretKey, strings.Replace(good, `"sub"`, `"bus"`, 1)),
		"sub is an object":         baked(secretKey, strings.Replace(good, `"u-1"`, `{}`, 1)),
		"another key":              baked(strings.ToUpper(secretKey), good),
		"the key itself":           compact(jwt.SigningMethodHS256, []byte(secretKey), `{"alg":"HS256"}`, good),
		"the key of tokens":        hs(good),
		"a token":                  alice(),
		"alg none":                 b64(`{"alg":"none"}`) + "." + b64(good) + ".AA",
		"an opaque key":            "mlnv9yxjsgk7scz4l3ilsn0gv6jvgj2x",
		"nothing":                  "",
	} {
		id, err := b.show("acme", cookie(text))
		if refusal := protocol.AsRefusal(err); id != nil || refusal == nil || refusal.Reason != protocol.InvalidToken {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
	b.refusesCredential(t, protocol.TokenExpired, "acme",
		cookie(baked(secretKey, strings.Replace(good, "{", fmt.Sprintf(`{"exp":%d,`, unix(-time.Minute)), 1))))
	b.refusesCredential(t, protocol.InvalidToken, "acme",
		protocol.Credential{Form: protocol.Cookie, Token: baked(secretKey, good), For: "x"})
	// A cookie is no token, and a cached one is not taken for the other.
	b.refuses(t, protocol.InvalidToken, baked(secretKey, good))
}

// Dev mode: the tenant's own tokens are cookies, too, and its key makes sessions.
func TestCookie_MayBeATokenWhereTheTenantWantsIt(t *testing.T) {
	keys := withSecret()
	keys.Cookie = auth.CookieRules{Secrets: []string{secret}, Tokens: true}
	b := one(t, keys)
	for text, user := range map[string]string{
		alice():                                  "alice",
		hs(session("s-1", "u-1", true)):          "u-1",
		baked(secret, session("s", "u-2", true)): "u-2",
	} {
		if id := b.admits(t, "acme", cookie(text)); id.User != user {
			t.Errorf("%+v, want %s", id, user)
		}
	}
	for _, text := range []string{
		hs(session("s-1", "anonymous", false)), hs(live(`"sub":"alice"`, `"type":"refresh"`)), hs(`{"sub":"alice"}`),
		baked(secret, live(`"sub":"alice"`)),
	} {
		b.refusesCredential(t, protocol.InvalidToken, "acme", cookie(text))
	}
	b.refuses(t, protocol.InvalidToken, hs(session("s-1", "u-1", true))) // as a token it has no exp
}

// X.6: the session must be alive, which its backend knows; the backend may also say whose it is.
func TestCookie_TheBackendSaysWhetherTheSessionIsAlive(t *testing.T) {
	there := &backend{knows: map[string]string{
		"session acme s-1 u-1": fmt.Sprintf(
			`{"allow":true,"user":42,"topics":["a/*"],"issued":%d,"expires":%d,"id":"ignored"}`, unix(-time.Hour),
			unix(time.Hour)),
		"session acme s-2 u-2": `{"allow":true}`,
		"session acme s-3 u-3": fmt.Sprintf(`{"allow":true,"expires":%d}`, unix(0)),
		"session acme s-4 u-4": `{"allow":true,"topics":["a//b"]}`,
		"session acme opaque":  `{"allow":true,"user":"u-5","id":"s-5"}`,
		"session acme nobody":  `{"allow":true}`,
	}}
	b := one(t, there.with(withCookies()))
	id := b.admits(t, "acme", cookie(baked(secretKey, session("s-1", "u-1", true))))
	if id.User != "42" || id.TokenID != "s-1" || !id.Issued.Equal(epoch.Add(-time.Hour)) ||
		!id.Expires.Equal(epoch.Add(time.Hour)) {
		t.Errorf("identity %+v", id)
	}
	checkTopics(t, id, "a/*")
	if id := b.admits(t, "acme", cookie(baked(secretKey, session("s-2", "u-2", true)))); id.User != "u-2" ||
		!id.Expires.IsZero() {
		t.Errorf("identity %+v", id)
	}
	b.refusesCredential(t, protocol.TokenExpired, "acme", cookie(baked(secretKey, session("s-3", "u-3", true))))
	b.isBusy(t, cookie(baked(secretKey, session("s-4", "u-4", true)))) // the backend's answer has a wrong form
	if id := b.admits(t, "acme", cookie("opaque")); id.User != "u-5" || id.TokenID != "s-5" {
		t.Errorf("identity %+v", id)
	}
	b.refusesCredential(t, protocol.InvalidToken, "acme", cookie("nobody"))
	b.refusesCredential(t, protocol.InvalidToken, "acme", cookie("unknown"))
	b.refusesCredential(t, protocol.InvalidToken, "acme", cookie(baked(secretKey, session("s-9", "u-9", true))))
	asked := there.count()
	b.refusesCredential(t, protocol.InvalidToken, "acme", cookie(strings.Repeat("x", 513)))
	b.refusesCredential(t, protocol.InvalidToken, "acme", cookie(baked(otherSecret, session("s-1", "u-1", true))))
	if there.count() != asked {
		t.Errorf("the backend was asked about what cannot be a session: %q", there.asked[asked:])
	}
	there.down = true
	b.isBusy(t, cookie("a-new-one"))
	b.admits(t, "acme", cookie("opaque")) // from the cache
}

func TestCookie_IsRevokedBySessionAndByUser(t *testing.T) {
	there := &backend{knows: map[string]string{
		"session acme opaque":  fmt.Sprintf(`{"allow":true,"user":"u-5","id":"s-5","issued":%d}`, unix(-time.Hour)),
		"session acme fresh":   fmt.Sprintf(`{"allow":true,"user":"u-5","id":"s-6","issued":%d}`, unix(time.Hour)),
		"session acme s-1 u-1": `{"allow":true}`, "session acme s-2 u-1": `{"allow":true}`,
	}}
	b := one(t, there.with(withCookies()))
	first, second := cookie(baked(secretKey, session("s-1", "u-1", true))),
		cookie(baked(secretKey, session("s-2", "u-1", true)))
	b.admits(t, "acme", first)
	b.revoke(t, "acme", auth.Revocation{TokenID: "s-1"})
	b.refusesCredential(t, protocol.InvalidToken, "acme", first)
	b.admits(t, "acme", second)
	b.revoke(t, "acme", auth.Revocation{User: "u-1"})
	b.refusesCredential(t, protocol.InvalidToken, "acme", second)
	b.admits(t, "acme", cookie("opaque"))
	b.revoke(t, "acme", auth.Revocation{User: "u-5"})
	b.refusesCredential(t, protocol.InvalidToken, "acme", cookie("opaque"))
	// Cookies do not end, so the revocation does not, either; a user who logs in anew comes in, if the backend says
	// when.
	b.now = epoch.Add(1000 * time.Hour)
	b.refusesCredential(t, protocol.InvalidToken, "acme", first)
	b.refusesCredential(t, protocol.InvalidToken, "acme", second)
	b.refusesCredential(t, protocol.InvalidToken, "acme", cookie("opaque"))
	b.admits(t, "acme", cookie("fresh"))
}

func TestCookie_SettingsThatCannotBeMeant(t *testing.T) {
	keys := withSecret()
	keys.Cookie.Secrets = []string{"hunter2"}
	_, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{"acme": keys})
	if err == nil || !strings.Contains(err.Error(), "cookie secret 1 has 7 bytes; at least 32") ||
		strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}
