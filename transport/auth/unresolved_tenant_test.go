package auth_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// unresolved are settings of a tenant with one key of kid k1, which admits connections of an unresolved tenant.
func unresolved(secret string) auth.TenantKeys {
	return auth.TenantKeys{Keys: []auth.Key{{ID: "k1", Secret: secret}}, AllowUnresolved: true}
}

// reliability.md check 14 for unresolved tenants: the same kid in two tenants, shown in both orders, cached or not.
// Each key admits to its own tenant and to no other.
func TestUnresolvedTenant_TheSignatureSaysWhoseATokenIs(t *testing.T) {
	owned := map[string]string{"a": by(secret), "b": by(otherSecret)}
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}, {"a", "a", "b", "b"}, {"b", "b", "a", "a"}} {
		b := newFixture(t, auth.Config{},
			map[string]auth.TenantKeys{"a": unresolved(secret), "b": unresolved(otherSecret)})
		for range 3 {
			for _, owner := range order {
				id := b.admits(t, auth.UnresolvedTenant, protocol.Credential{Token: owned[owner]})
				if id.Tenant != owner || id.User != "alice" {
					t.Fatalf("order %v: the token of %s is admitted to %q", order, owner, id.Tenant)
				}
				for _, other := range []string{"a", "b"} {
					id, err := b.showToken(other, owned[owner], protocol.Claims{})
					if (err == nil) != (other == owner) || id != nil && id.Tenant != "" {
						t.Fatalf("order %v: the token of %s at %s: %+v, %v", order, owner, other, id, err)
					}
				}
			}
		}
		if f := b.Stats(); f.Outcomes["a"]["cached"] == 0 || f.Outcomes["b"]["cached"] == 0 ||
			f.Outcomes["a"]["accepted"] != 2 {
			t.Errorf("outcomes %v", f.Outcomes)
		}
	}
}

func TestUnresolvedTenant_IsForTenantsThatAllowIt(t *testing.T) {
	b := newFixture(t, auth.Config{},
		map[string]auth.TenantKeys{"a": unresolved(secret), "out": {Keys: []auth.Key{{ID: "k1", Secret: otherSecret}}}})
	b.refusesCredential(t, protocol.InvalidToken, auth.UnresolvedTenant, protocol.Credential{Token: by(otherSecret)})
	b.refusesCredential(t, protocol.InvalidToken, auth.UnresolvedTenant, protocol.Credential{Token: "garbage"})
	b.refusesCredential(t, protocol.Unauthorized, auth.UnresolvedTenant, protocol.Credential{})
	// as whose?
	b.refusesCredential(t, protocol.Unauthorized, auth.UnresolvedTenant,
		protocol.Credential{Claims: protocol.Claims{Anonymous: true}})
	b.refusesCredential(t, protocol.InvalidToken, auth.UnresolvedTenant, cookie("opaque"))
	b.refusesCredential(t, protocol.InvalidToken, auth.UnresolvedTenant,
		protocol.Credential{Token: by(secret), Form: "new"})
	if n := b.Stats().Outcomes[""]; n["bad_signature"] != 1 || n["malformed"] != 1 || n["no_token"] != 2 {
		t.Errorf("outcomes %v", n)
	}
	// A tenant that no longer allows this is not admitted any more, not even from the cache.
	b.admits(t, auth.UnresolvedTenant, protocol.Credential{Token: by(secret)})
	left := unresolved(secret)
	left.AllowUnresolved = false
	if err := b.SetTenant("a", left); err != nil {
		t.Fatal(err)
	}
	b.refusesCredential(t, protocol.InvalidToken, auth.UnresolvedTenant, protocol.Credential{Token: by(secret)})
	b.admits(t, "a", protocol.Credential{Token: by(secret)})
	if strings.Contains(b.log.String(), `\u0000`) {
		t.Error("a control character in the log")
	}
}

// The rules are those of the tenant, as if it had been named: leeway, exp, claims, revocations, known users.
func TestUnresolvedTenant_TheRulesAreThoseOfTheTenant(t *testing.T) {
	strict := unresolved(secret)
	strict.Audience, strict.Users = "strict", []string{"alice"}
	b := newFixture(t, auth.Config{}, map[string]auth.TenantKeys{"a": strict, "b": unresolved(otherSecret)})
	known := protocol.Claims{Known: true}
	at := func(secret, claims string) protocol.Credential {
		return protocol.Credential{Token: compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","kid":"k1"}`,
			claims), Claims: known}
	}
	b.admits(t, auth.UnresolvedTenant, at(secret, live(`"sub":"alice","aud":"strict"`)))
	b.refusesCredential(t, protocol.InvalidToken, auth.UnresolvedTenant, at(secret, live(`"sub":"alice"`)))
	b.refusesCredential(t, protocol.UnknownUser, auth.UnresolvedTenant, at(secret, live(`"sub":"bob","aud":"strict"`)))
	b.admits(t, auth.UnresolvedTenant, at(otherSecret, live(`"sub":"bob"`)))
	b.refusesCredential(t, protocol.TokenExpired, auth.UnresolvedTenant,
		at(secret, fmt.Sprintf(`{"sub":"alice","aud":"strict","exp":%d}`, unix(-time.Minute))))
	b.revoke(t, "a", auth.Revocation{User: "alice"})
	b.refusesCredential(t, protocol.InvalidToken, auth.UnresolvedTenant,
		at(secret, live(`"sub":"alice","aud":"strict"`)))
	b.admits(t, auth.UnresolvedTenant, at(otherSecret, live(`"sub":"alice"`)))
	if f := b.Stats().Outcomes; f["a"]["revoked"] != 1 || f["a"]["bad_audience"] != 1 || f["a"]["unknown_user"] != 1 ||
		f["b"]["accepted"] != 2 {
		t.Errorf("outcomes %v", f)
	}
}

// Two tenants with the same key, as with one issuer for both, are told apart by issuer, and each must have one.
func TestUnresolvedTenant_TenantsWithOneKeyNeedAnIssuerEach(t *testing.T) {
	issuedBy := func(issuer string) auth.TenantKeys {
		keys := unresolved(secret)
		keys.Issuer = issuer
		return keys
	}
	for _, issuers := range [][2]string{{"", ""}, {"x", ""}, {"", "x"}, {"x", "x"}} {
		_, err := auth.New(auth.Config{},
			map[string]auth.TenantKeys{"a": issuedBy(issuers[0]), "b": issuedBy(issuers[1])})
		if err == nil || !strings.Contains(err.Error(), `tenant "b": has a key of tenant "a"`) ||
			strings.Contains(err.Error(), secret) {
			t.Errorf("issuers %q: %v", issuers, err)
		}
	}
	b := newFixture(t, auth.Config{},
		map[string]auth.TenantKeys{"a": issuedBy("https://a"), "b": issuedBy("https://b")})
	for range 2 {
		for _, owner := range []string{"b", "a"} {
			token := compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","kid":"k1"}`,
				live(`"sub":"alice"`, fmt.Sprintf(`"iss":"https://%s"`, owner)))
			if id := b.admits(t, auth.UnresolvedTenant, protocol.Credential{Token: token}); id.Tenant != owner {
				t.Errorf("the token of %s is admitted to %s", owner, id.Tenant)
			}
		}
	}
	b.refusesCredential(t, protocol.InvalidToken, auth.UnresolvedTenant, protocol.Credential{Token: by(secret)})
	// A reload that would make the issuers equal changes nothing.
	if err := b.SetTenant("b", issuedBy("https://a")); err == nil {
		t.Error("accepted")
	}
	// All sessions have one issuer, so nothing tells those of two tenants with one key apart.
	both := map[string]auth.TenantKeys{}
	for name, keys := range map[string]auth.TenantKeys{"a": issuedBy("https://a"), "b": issuedBy("https://b")} {
		keys.Cookie.Tokens = true
		both[name] = keys
	}
	if err := b.Reload(both); err == nil {
		t.Error("accepted")
	}
}

func TestUnresolvedTenant_RSAKeysAreToldApartAsSecretsAre(t *testing.T) {
	keys := func(kid string) auth.TenantKeys {
		return auth.TenantKeys{Keys: []auth.Key{{ID: kid, PEM: publicPEM(rsaKey().Public())}}, AllowUnresolved: true}
	}
	if _, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{"a": keys("k1"), "b": keys("k2")}); err == nil {
		t.Error("one public key with two kids in two tenants is accepted")
	}
}

// A token without kid is tried with at most sixteen keys, whatever the number of tenants.
func TestUnresolvedTenant_SignaturesPerTokenAreBounded(t *testing.T) {
	tenants := map[string]auth.TenantKeys{}
	secretOf := func(i int) string { return strings.Repeat(string(rune('A'+i)), 32) }
	for i := range 20 {
		tenants[fmt.Sprintf("t%02d", i)] = auth.TenantKeys{Keys: []auth.Key{{ID: fmt.Sprint("k", i),
			Secret: secretOf(i)}}, AllowUnresolved: true}
	}
	b := newFixture(t, auth.Config{}, tenants)
	for i := range 20 {
		anyone := compact(jwt.SigningMethodHS256, []byte(secretOf(i)), `{"alg":"HS256"}`, live(`"sub":"alice"`))
		named := compact(jwt.SigningMethodHS256, []byte(secretOf(i)), fmt.Sprintf(`{"alg":"HS256","kid":"k%d"}`, i),
			live(`"sub":"alice"`))
		if id := b.admits(t, auth.UnresolvedTenant,
			protocol.Credential{Token: named}); id.Tenant != fmt.Sprintf("t%02d", i) {
			t.Errorf("admitted to %s", id.Tenant)
		}
		if _, err := b.show(auth.UnresolvedTenant, protocol.Credential{Token: anyone}); (err == nil) != (i < 16) {
			t.Errorf("token %d without kid: %v", i, err)
		}
	}
}

func TestUnresolvedTenant_CookiesTicketsAndOutpostsSayWhoseTheyAre(t *testing.T) {
	a, other := unresolved(secret), unresolved(otherSecret)
	a.Cookie.Secrets, other.Cookie.Secrets = []string{secretKey}, []string{strings.ToUpper(secretKey)}
	a.Outposts = []auth.OutpostToken{{Outpost: outpostA, Token: "token-of-a"}}
	other.Outposts = []auth.OutpostToken{{Outpost: outpostA, Token: "token-of-other"}}
	b := newFixture(t, auth.Config{}, map[string]auth.TenantKeys{"a": a, "other": other})
	id := b.admits(t, auth.UnresolvedTenant, protocol.Credential{Token: by(otherSecret)})
	text, err := b.Tickets().Issue(auth.UnresolvedTenant, id, protocol.Claims{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		credential protocol.Credential
		whose      string
	}{
		{cookie(baked(secretKey, session("s", "u", true))), "a"},
		{cookie(baked(strings.ToUpper(secretKey), session("s", "u", true))), "other"},
		{outpost(outpostA, "token-of-a"), "a"},
		{outpost(outpostA, "token-of-other"), "other"},
		{ticket(text), "other"},
	} {
		if id := b.admits(t, auth.UnresolvedTenant, c.credential); id.Tenant != c.whose {
			t.Errorf("%s is admitted to %s", c.credential.Form, id.Tenant)
		}
	}
	b.refusesCredential(t, protocol.InvalidToken, auth.UnresolvedTenant, ticket(text))
	b.refusesCredential(t, protocol.InvalidToken, auth.UnresolvedTenant, outpost(outpostB, "token-of-a"))
	if all, err := b.OutpostsOf(t.Context(), auth.UnresolvedTenant, "token-of-other"); err != nil ||
		!slices.Equal(all, []string{outpostA}) {
		t.Errorf("%q, %v", all, err)
	}
	other.Outposts = a.Outposts
	if err := b.SetTenant("other", other); err == nil || !strings.Contains(err.Error(), "token of an outpost") {
		t.Errorf("one token in two tenants: %v", err)
	}
	other.Outposts, other.Cookie = nil, a.Cookie
	if err := b.SetTenant("other", other); err == nil {
		t.Error("one cookie secret in two tenants")
	}
}
