package auth_test

import (
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// FuzzToken, reliability.md check 62: whatever bytes a client shows, nothing panics, and none but the one true token
// opens.
func FuzzToken(f *testing.F) {
	good := alice()
	seeds := 0
	for _, forged := range algorithmForgeries() {
		if len(forged) < 4096 {
			f.Add(forged)
			seeds++
		}
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Add(good)
	f.Add(compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","kid":"k1","jku":"x"}`, live()))
	b := one(f, manyKeys())
	f.Fuzz(func(t *testing.T, token string) {
		b.log.Reset()
		id, err := b.showToken("acme", token, protocol.Claims{})
		if token == good {
			if err != nil {
				t.Fatalf("the true token was refused: %v", err)
			}
			return
		}
		want := protocol.InvalidToken
		if token == "" {
			want = protocol.Unauthorized
		}
		checkRefusal(t, id, err, want)
	})
}

// FuzzClaims, reliability.md check 62: whatever an issuer signs, the resulting identity can be used anywhere.
func FuzzClaims(f *testing.F) {
	for _, form := range []string{codegraph, valtronics, endurain, airlay} {
		f.Add(seedClaims(form, "access"))
	}
	for _, claims := range []string{live(`"sub":1e3`), `{"exp":1e400}`, live(`"sub":"a"`, `"topics":["a/*"]`),
		live(`"a":{"b":{"c":1}}`), strings.Repeat(`{"a":`, 900)} {
		f.Add(claims)
	}
	b := one(f, withSecret())
	rules := protocol.Claims{User: []string{"sub", "data.id", "a.b.c"}, Refuse: []string{"refresh"}}
	f.Fuzz(func(t *testing.T, claims string) {
		b.log.Reset()
		id, err := b.showToken("acme", hs(claims), rules)
		if err != nil {
			if refusal := protocol.AsRefusal(err); refusal.Detail != "" ||
				refusal.Reason != protocol.InvalidToken && refusal.Reason != protocol.TokenExpired {
				t.Fatalf("refused with %+v", refusal)
			}
			return
		}
		if bad := protocol.CheckName("user", id.User); bad != nil {
			t.Fatalf("user: %v", bad)
		}
		if id.TokenID != "" && protocol.CheckName("jti", id.TokenID) != nil {
			t.Fatalf("jti %q", id.TokenID)
		}
		if !id.Expires.After(b.now) {
			t.Fatalf("expires %s, which is past", id.Expires)
		}
		for _, p := range id.Topics {
			if name := strings.TrimSuffix(string(p), "*"); name != "" &&
				protocol.CheckTopic(strings.TrimSuffix(name, "/")) != nil {
				t.Fatalf("pattern %q", p)
			}
		}
	})
}

// FuzzKeys: whatever a key file holds, it gives an error or a tenant, never a panic.
func FuzzKeys(f *testing.F) {
	f.Add(jwks())
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-384","x":"AQ","y":"AQ"}]}`))
	f.Add(publicPEM(rsaKey().Public()))
	f.Add(privatePEM(p256()))
	b := one(f, withSecret())
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, k := range []auth.Key{{JWKS: data}, {PEM: data}, {Secret: string(data)}} {
			if err := b.SetTenant("fuzz", auth.TenantKeys{Keys: []auth.Key{k}}); err != nil &&
				strings.ContainsAny(err.Error(), "\n\x00") {
				t.Fatalf("error %q", err)
			}
		}
	})
}

// FuzzTypes: whatever is shown in any type of credential, to a tenant or to UnresolvedTenant, nothing panics, and it
// opens nothing.
func FuzzTypes(f *testing.F) {
	for _, text := range []string{"", "a.b.c", "token-of-b", strings.Repeat("A", 43), alice(),
		baked(secretKey, session("s", "anonymous", false)), baked(otherSecret, session("s", "u", true))} {
		f.Add(text, outpostA)
		f.Add(text, "../*")
	}
	keys := withOutposts()
	keys.Cookie.Secrets, keys.AllowUnresolved, keys.Users = []string{secretKey}, true, []string{}
	b := one(f, keys)
	f.Fuzz(func(t *testing.T, text, bound string) {
		b.log.Reset()
		if strings.HasPrefix(text, "token-of-") || strings.HasPrefix(text, "next-token") {
			bound = "" // good ones are for no outpost then
		}
		for _, credentialType := range []protocol.CredentialType{protocol.Ticket, protocol.Cookie, protocol.Outpost,
			protocol.Unverified,
			"new"} {
			for _, where := range []string{"acme", auth.UnresolvedTenant} {
				id, err := b.show(where,
					protocol.Credential{Form: credentialType, Token: text, For: bound,
						Claims: protocol.Claims{Known: true}})
				checkRefusal(t, id, err, protocol.InvalidToken)
			}
		}
	})
}
