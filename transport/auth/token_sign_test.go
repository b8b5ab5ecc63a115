package auth_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

func (b *fixture) sign(t testing.TB, g auth.Grant) string {
	t.Helper()
	token, err := b.Sign("acme", g)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// The secret of dev mode, with one token for every dialect.
func TestSign_DevelopmentTokenServesEveryDialect(t *testing.T) {
	b := one(t, auth.TenantKeys{Keys: []auth.Key{{Secret: "parley-dev-secret-not-for-production"}},
		User: []string{"sub", "data.id"}})
	token := b.sign(t, auth.Grant{User: "42", Topics: []string{"a", "b/*"}, TTL: time.Minute,
		Claims: `{"data":{"name":"a.kalinin"},"role":"admin"}`})
	for _, rules := range []protocol.Claims{{}, {User: []string{"data.id"}},
		{Require: []string{"iat", "exp", "jti", "role", "data.name"}}} {
		id := b.accepts(t, token, rules)
		if id.User != "42" || id.TokenID == "" || !id.Issued.Equal(epoch) ||
			!id.Expires.Equal(epoch.Add(time.Minute)) ||
			!slices.Equal(id.Topics, []protocol.Pattern{"a", "b/*"}) {
			t.Errorf("by %+v: %+v", rules, id)
		}
	}
	if again := b.sign(t, auth.Grant{User: "42", TTL: time.Minute}); again == b.sign(t,
		auth.Grant{User: "42", TTL: time.Minute}) {
		t.Error("two tokens have one jti")
	}
}

func TestSign_FurtherClaimsWin(t *testing.T) {
	b := one(t, withSecret())
	if id := b.accepts(t,
		b.sign(t, auth.Grant{User: "x", Claims: `{"sub":9007199254740993}`})); id.User != "9007199254740993" {
		t.Errorf("user %q", id.User)
	}
	b.refuses(t, protocol.TokenExpired, b.sign(t, auth.Grant{User: "x", TTL: -time.Minute}))
	b.refuses(t, protocol.InvalidToken, b.sign(t, auth.Grant{User: "x", Claims: `{"exp":"never"}`}))
	b.refuses(t, protocol.InvalidToken, b.sign(t, auth.Grant{User: "x", Claims: `{"type":"refresh"}`}),
		protocol.Claims{Refuse: []string{"refresh"}})
}

func TestSign_WithEveryKindOfKey(t *testing.T) {
	for _, k := range []auth.Key{
		{ID: "k", Secret: secret, Algorithm: "HS512"}, {ID: "k", PEM: privatePEM(rsaKey())},
		{ID: "k", PEM: privatePEM(p256())},
		{ID: "k", PEM: privatePEM(p384())}, {ID: "k", PEM: privatePEM(edKey())}, {PEM: privatePEM(edKey())},
	} {
		b := one(t, auth.TenantKeys{Keys: []auth.Key{{ID: "other", PEM: publicPEM(rsa4096().Public())}, k}, Issuer: "i",
			Audience: "a"})
		if id := b.accepts(t, b.sign(t, auth.Grant{User: "alice"})); id.User != "alice" ||
			!id.Expires.Equal(epoch.Add(time.Hour)) {
			t.Errorf("%+v", id)
		}
	}
}

func TestSign_RefusesWithTheWayOut(t *testing.T) {
	b := newFixture(t, auth.Config{}, map[string]auth.TenantKeys{"acme": withSecret(),
		"public": {Keys: []auth.Key{{PEM: publicPEM(edKey().Public())}}}})
	for _, c := range []struct {
		tenant string
		grant  auth.Grant
		says   string
	}{
		{"nobody", auth.Grant{User: "x"}, `no tenant "nobody"`},
		{"public", auth.Grant{User: "x"}, "a secret or a private key"},
		{"acme", auth.Grant{User: "x", KeyID: "k7"}, `"k7"`},
		{"acme", auth.Grant{}, "user is empty"},
		{"acme", auth.Grant{User: "x", Topics: []string{"a//b"}}, `"a//b"`},
		{"acme", auth.Grant{User: "x", Claims: `[]`}, "one JSON object"},
		{"acme", auth.Grant{User: "x", Claims: `{"a":1,"a":2}`}, "one JSON object"},
		{"acme", auth.Grant{User: "x", Claims: `{"a":"` + strings.Repeat("a", 9000) + `"}`}, "8192"},
	} {
		if token, err := b.Sign(c.tenant, c.grant); err == nil || token != "" ||
			!strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want it to say %s", c.grant, err, c.says)
		}
	}
}
