package auth_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// by is a token for alice with kid k1, signed with a secret.
func by(secret string) string {
	return compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","kid":"k1"}`, live(`"sub":"alice"`))
}

// reliability.md check 14: the same kid in two tenants, shown in both orders, cached or not.
func TestVerifier_SameKidInTwoTenantsNeverCrosses(t *testing.T) {
	ownedBy := map[string]string{"a": by(secret), "b": by(otherSecret)}
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		b := newFixture(t, auth.Config{}, map[string]auth.TenantKeys{
			"a": {Keys: []auth.Key{{ID: "k1", Secret: secret}}},
			"b": {Keys: []auth.Key{{ID: "k1", Secret: otherSecret}}},
		})
		for range 2 { // the second time from the cache
			for _, tenant := range order {
				for owner, token := range ownedBy {
					id, err := b.showToken(tenant, token, protocol.Claims{})
					if owner == tenant && err != nil {
						t.Errorf("order %v: tenant %s refused its own token: %v", order, tenant, err)
					}
					if owner != tenant {
						checkRefusal(t, id, err, protocol.InvalidToken)
					}
				}
			}
		}
	}
}

// Two tenants with the same key: each still answers for itself, with its own rules.
func TestVerifier_ATokenIsRememberedForItsTenantAndRulesOnly(t *testing.T) {
	keys := []auth.Key{{ID: "k1", Secret: secret}}
	b := newFixture(t, auth.Config{}, map[string]auth.TenantKeys{"a": {Keys: keys}, "b": {Keys: keys, Issuer: "b"}})
	token := by(secret)
	if _, err := b.showToken("a", token, protocol.Claims{}); err != nil {
		t.Fatal(err)
	}
	id, err := b.showToken("b", token, protocol.Claims{})
	checkRefusal(t, id, err, protocol.InvalidToken)
	id, err = b.showToken("a", token, protocol.Claims{Require: []string{"scope"}})
	checkRefusal(t, id, err, protocol.InvalidToken)
	// Lists whose texts look alike when joined are different lists.
	for _, rules := range []protocol.Claims{
		{User: []string{"su", "b"}}, {User: []string{"s", "ub"}}, {Require: []string{"sub"}}, {Refuse: []string{"sub"}},
		{User: []string{"sub"}},
	} {
		_, _ = b.showToken("a", token, rules)
	}
	if n := b.Stats().CacheEntries; n != 4 { // no rules, Require, Refuse, User
		t.Errorf("%d entries, want 4", n)
	}
}

func TestVerifier_UnknownTenantIsRefusedAsAnyForgery(t *testing.T) {
	b := one(t, withSecret())
	for _, tenant := range []string{"", "Acme", "acme ", "acme/x", "nobody"} {
		id, err := b.showToken(tenant, alice(), protocol.Claims{Anonymous: true})
		checkRefusal(t, id, err, protocol.InvalidToken)
	}
	if n := b.Stats().Outcomes[""]["unknown_tenant"]; n != 5 {
		t.Errorf("%d attempts counted, want 5", n)
	}
}

func TestVerifier_TokenWithoutKidIsTriedAgainstEightKeysOfItsAlgorithm(t *testing.T) {
	secretOf := func(i int) string { return strings.Repeat(string(rune('a'+i)), 32) }
	keys := auth.TenantKeys{Keys: []auth.Key{{ID: "rs", PEM: publicPEM(rsaKey().Public())}}}
	for i := range 9 {
		keys.Keys = append(keys.Keys, auth.Key{ID: "k" + string(rune('0'+i)), Secret: secretOf(i)})
	}
	b := one(t, keys)
	for i := range 9 {
		anyone := compact(jwt.SigningMethodHS256, []byte(secretOf(i)), `{"alg":"HS256"}`, live(`"sub":"alice"`))
		named := compact(jwt.SigningMethodHS256, []byte(secretOf(i)),
			`{"alg":"HS256","kid":"k`+string(rune('0'+i))+`"}`, live(`"sub":"alice"`))
		b.accepts(t, named)
		if i < 8 {
			b.accepts(t, anyone)
		} else {
			b.refuses(t, protocol.InvalidToken, anyone)
		}
	}
}

// reliability.md check 16: a reload accepts the new key at once and drops the cached tokens of the old one.
func TestVerifier_RotationTakesEffectAtOnce(t *testing.T) {
	b := one(t, auth.TenantKeys{Keys: []auth.Key{{ID: "k1", Secret: secret}}})
	old, fresh := by(secret), compact(jwt.SigningMethodHS256, []byte(otherSecret), `{"alg":"HS256","kid":"k2"}`,
		live(`"sub":"alice"`))
	b.accepts(t, old)
	b.refuses(t, protocol.InvalidToken, fresh)

	both := auth.TenantKeys{Keys: []auth.Key{{ID: "k1", Secret: secret}, {ID: "k2", Secret: otherSecret}}}
	if err := b.SetTenant("acme", both); err != nil {
		t.Fatal(err)
	}
	if n := b.Stats().CacheEntries; n != 0 {
		t.Errorf("%d tokens are cached under keys that were replaced", n)
	}
	b.accepts(t, old)
	b.accepts(t, fresh)

	if err := b.Reload(
		map[string]auth.TenantKeys{"acme": {Keys: []auth.Key{{ID: "k2", Secret: otherSecret}}}}); err != nil {
		t.Fatal(err)
	}
	b.refuses(t, protocol.InvalidToken, old)
	b.accepts(t, fresh)

	// The same kid with another secret is another key.
	if err := b.SetTenant("acme", auth.TenantKeys{Keys: []auth.Key{{ID: "k2", Secret: secret}}}); err != nil {
		t.Fatal(err)
	}
	b.refuses(t, protocol.InvalidToken, fresh)
	if got := b.outcomes(); got["accepted"] != 4 || got["cached"] != 0 {
		t.Errorf("outcomes %v; counters outlive a reload and nothing here is from memory", got)
	}
}

func TestVerifier_ABrokenReloadChangesNothingAndTellsAll(t *testing.T) {
	b := one(t, withSecret())
	b.accepts(t, alice())
	err := b.Reload(map[string]auth.TenantKeys{
		"acme":  {Keys: []auth.Key{{ID: "k1", Secret: "short"}}, Leeway: time.Minute},
		"other": {Topics: []string{"a//b"}},
		"right": withSecret(),
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, part := range []string{`tenant "acme"`, `kid "k1"`, "32", "leeway", `tenant "other"`, `"a//b"`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not name %s: %v", part, err)
		}
	}
	b.accepts(t, alice())
	if got := b.outcomes(); got["cached"] != 1 {
		t.Errorf("outcomes %v; cached tokens should have stayed", got)
	}
	id, refusal := b.showToken("right", alice(), protocol.Claims{})
	checkRefusal(t, id, refusal, protocol.InvalidToken)
}

func TestVerifier_ReloadDropsTenantsThatAreNotNamed(t *testing.T) {
	b := one(t, withSecret())
	b.accepts(t, alice())
	if err := b.Reload(map[string]auth.TenantKeys{"other": withSecret()}); err != nil {
		t.Fatal(err)
	}
	b.refuses(t, protocol.InvalidToken, alice())
}

// reliability.md check 16: while keys are replaced under load, no token of a remaining key is refused.
func TestVerifier_NobodyIsRefusedWhileKeysAreReplaced(t *testing.T) {
	b := one(t, withSecret())
	token := alice()
	done := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				if _, err := b.Authenticate(context.Background(), "acme",
					protocol.Credential{Token: token}); err != nil {
					t.Errorf("refused: %v", err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 50 {
		keys := withSecret()
		if i%2 == 0 {
			keys.Keys = append(keys.Keys, auth.Key{Secret: otherSecret})
		}
		if err := b.SetTenant("acme", keys); err != nil {
			t.Error(err)
		}
		_ = b.Stats()
	}
	close(done)
	clients.Wait()
}
