package auth

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/fairqueue"
)

// slowMethod is EdDSA whose check takes as long as a test wants.
type slowMethod struct {
	*jwt.SigningMethodEd25519
	before func(signed string)
}

func (m slowMethod) Verify(signed string, signature []byte, key any) error {
	m.before(signed)
	return m.SigningMethodEd25519.Verify(signed, signature, key)
}

// slowVerifier has the tenants a and b, whose public keys take as long as before does, and whose secrets take no time.
func slowVerifier(t *testing.T, cfg Config, before func(signed string)) *Verifier {
	t.Helper()
	settings := TenantKeys{Keys: []Key{{PEM: slowPublicKey}, {Secret: slowSecret}}}
	v, err := New(cfg, map[string]TenantKeys{"a": settings, "b": settings})
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range v.tenants.table.Load().byName {
		for _, k := range tenant.keys.all {
			if !k.isSecret() {
				k.method = slowMethod{jwt.SigningMethodEdDSA, before}
			}
		}
	}
	return v
}

const slowSecret = "a secret of the tests, 32 bytes or more"

var slowPrivateKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

var slowPublicKey = []byte("-----BEGIN PUBLIC KEY-----\n" + base64.StdEncoding.EncodeToString(append([]byte{0x30, 0x2a,
	0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}, slowPrivateKey.Public().(ed25519.PublicKey)...)) +
	"\n-----END PUBLIC KEY-----\n")

// login shows a token of a user, signed with a key of that method.
func login(ctx context.Context, v *Verifier, tenant, user string, method jwt.SigningMethod) error {
	var key any = slowPrivateKey
	if method.Alg() == "HS256" {
		key = []byte(slowSecret)
	}
	token, err := jwt.NewWithClaims(method, jwt.MapClaims{"sub": user, "exp": time.Now().Add(time.Hour).Unix()}).
		SignedString(key)
	if err != nil {
		return err
	}
	_, err = v.Authenticate(ctx, tenant, protocol.Credential{Token: token})
	return err
}

func TestSignatures_NoMoreAreCheckedAtOnceThanSlotsAndTheRestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		v := slowVerifier(t, Config{SignatureChecks: 2, SignatureWait: time.Minute}, func(string) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
		})
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				if err := login(t.Context(), v, "a", fmt.Sprint(i), jwt.SigningMethodEdDSA); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if s := v.Stats().Signatures; s.Waiting != 8 || s.Served != 2 {
			t.Errorf("while two are checked: %+v", s)
		}
		if err := login(t.Context(), v, "a", "secret", jwt.SigningMethodHS256); err != nil {
			t.Error("a token that a secret signed:", err)
		}
		all.Wait()
		// Two waited for 1 s each, two for 2 s, two for 3 s, two for 4 s.
		if s := v.Stats().Signatures; most != 2 || s != (fairqueue.Stats{Served: 10, Waited: 20 * time.Second}) {
			t.Errorf("at most %d at once; at the end: %+v", most, s)
		}
	})
}

func TestSignatures_TenantsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		v := slowVerifier(t, Config{SignatureChecks: 1, SignatureWait: time.Hour},
			func(string) { time.Sleep(time.Second) })
		var all sync.WaitGroup
		come := func(tenant string, count int) {
			for i := range count {
				all.Go(func() {
					if err := login(t.Context(), v, tenant, fmt.Sprint(tenant, i), jwt.SigningMethodEdDSA); err != nil {
						t.Error(err)
					}
					mu.Lock()
					order = append(order, tenant)
					mu.Unlock()
				})
				synctest.Wait()
			}
		}
		come("a", 100)
		come("b", 3)
		all.Wait()
		slices.Reverse(order)
		if last := len(order) - slices.Index(order, "b"); last > 7 {
			t.Errorf("the last login of b came as number %d, behind a's hundred", last)
		}
	})
}

func TestSignatures_AFloodOfForgeriesTakesNoPlaceFromAnotherTenant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := slowVerifier(t, Config{SignatureChecks: 1, SignatureQueue: 10, SignatureWait: time.Hour},
			func(string) { time.Sleep(time.Second) })
		outcomes := map[protocol.Reason]int{}
		var mu sync.Mutex
		var all sync.WaitGroup
		token, _ := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"sub": "x"}).SignedString(slowPrivateKey)
		forged := token[:len(token)-20] + "AAAAAAAAAAAAAAAAAAAA"
		for range 50 {
			all.Go(func() {
				_, err := v.Authenticate(t.Context(), "a", protocol.Credential{Token: forged})
				mu.Lock()
				outcomes[protocol.AsRefusal(err).Reason]++
				mu.Unlock()
			})
		}
		synctest.Wait()
		began := time.Now()
		for i := range 5 {
			all.Go(func() {
				if err := login(t.Context(), v, "b", fmt.Sprint(i), jwt.SigningMethodEdDSA); err != nil {
					t.Error("b is refused for the sake of a:", err)
				}
				if took := time.Since(began); took > 11*time.Second {
					t.Errorf("a login of b waited for %s", took)
				}
			})
		}
		all.Wait()
		// One was being checked and ten waited, of which b's five took the places of five.
		if outcomes[protocol.InvalidToken] != 6 || outcomes[protocol.Busy] != 44 {
			t.Errorf("a's forgeries: %v", outcomes)
		}
		s := v.Stats()
		if s.Signatures.Refused != 44 || s.Outcomes["a"]["overloaded"] != 44 || s.Signatures.Waiting != 0 {
			t.Errorf("%+v, %v", s.Signatures, s.Outcomes["a"])
		}
	})
}

func TestSignatures_AClientThatWaitsTooLongOrGoesLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		v := slowVerifier(t, Config{SignatureChecks: 1}, func(string) { <-let })
		var all sync.WaitGroup
		all.Go(func() {
			if err := login(t.Context(), v, "a", "first", jwt.SigningMethodEdDSA); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		began := time.Now()
		err := login(t.Context(), v, "a", "patient", jwt.SigningMethodEdDSA)
		refusal, ok := errors.AsType[*protocol.Refusal](err)
		want := protocol.Refusal{Reason: protocol.Busy, RetryAfter: retryAfter}
		if waited := time.Since(began); !ok || *refusal != want || waited != 3*time.Second {
			t.Errorf("%v after %s", err, waited)
		}
		gone, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		if err := login(gone, v, "a", "gone", jwt.SigningMethodEdDSA); protocol.AsRefusal(err).Reason != protocol.Busy {
			t.Error(err)
		}
		if s := v.Stats().Signatures; s != (fairqueue.Stats{Served: 1, Refused: 2, Waited: 4 * time.Second}) {
			t.Errorf("%+v", s)
		}
		close(let)
		all.Wait()
		if err := login(t.Context(), v, "a", "later", jwt.SigningMethodEdDSA); err != nil {
			t.Error("the slot is lost:", err)
		}
	})
}

func TestSignatures_ATokenThatIsRememberedDoesNotWait(t *testing.T) {
	v := slowVerifier(t, Config{SignatureChecks: 1}, func(string) {})
	token, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA,
		jwt.MapClaims{"sub": "u", "exp": time.Now().Add(time.Hour).Unix()}).SignedString(slowPrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := v.Authenticate(t.Context(), "a", protocol.Credential{Token: token}); err != nil {
			t.Error(err)
		}
	}
	if s := v.Stats().Signatures; s.Served != 1 {
		t.Errorf("%+v", s)
	}
}
