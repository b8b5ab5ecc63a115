package auth_test

import (
	"context"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// issuer publishes a key set on loopback.
type issuer struct {
	*httptest.Server
	fetched atomic.Int64

	mu     sync.Mutex
	status int
	set    string
}

func newIssuer(t testing.TB, set string) *issuer {
	t.Helper()
	i := &issuer{status: http.StatusOK, set: set}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		status, set := i.status, i.set
		i.mu.Unlock()
		w.WriteHeader(status)
		_, _ = w.Write([]byte(set))
		i.fetched.Add(1)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) publish(status int, set string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.set = status, set
}

// public is a JWK of an RSA key, and setOf a set of such.
func public(kid string, k *rsa.PrivateKey) string {
	return fmt.Sprintf(`{"kty":"RSA","kid":%q,"alg":"RS256","n":%q,"e":"AQAB"}`, kid, enc(k.N.Bytes()))
}

func setOf(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

func signedBy(kid string, k *rsa.PrivateKey) string {
	return compact(jwt.SigningMethodRS256, k, `{"alg":"RS256","kid":"`+kid+`"}`, live(`"sub":"alice"`))
}

// followed is a fixture whose tenant acme has its keys from an issuer.
func followed(t testing.TB, i *issuer) *fixture {
	t.Helper()
	b := one(t, auth.TenantKeys{Keys: []auth.Key{{URL: i.URL + "/jwks"}}})
	b.Start()
	t.Cleanup(b.Close)
	return b
}

// F25: a token of a new key is accepted at once, since the set is fetched for it; tokens of keys that are gone are not.
func TestRemoteKeySet_ANewKeyIsFetchedForItsFirstToken(t *testing.T) {
	i := newIssuer(t, setOf(public("old", rsaKey())))
	b := followed(t, i)
	b.accepts(t, signedBy("old", rsaKey())) // waits for the first fetch
	i.publish(http.StatusOK, setOf(public("new", rsa4096())))
	b.accepts(t, signedBy("old", rsaKey()))
	b.accepts(t, signedBy("new", rsa4096()))
	b.refuses(t, protocol.InvalidToken, signedBy("old", rsaKey()))
	for n := range 50 { // guesses fetch nothing
		b.refuses(t, protocol.InvalidToken, signedBy(fmt.Sprint("guess", n), rsaKey()))
	}
	if n := i.fetched.Load(); n != 2 {
		t.Errorf("fetched %d times", n)
	}
	if f := b.Stats().KeySets["acme"]; f.Fetches != 2 || f.Failures != 0 || f.Age <= 0 || f.Age > time.Minute {
		t.Errorf("%+v", f)
	}
}

// F25: while the source is down at the start, its tokens are refused as Busy and others are not; a set that cannot be
// used takes nothing away.
func TestRemoteKeySet_WithoutItsSourceTheStartGoesOn(t *testing.T) {
	i := newIssuer(t, "")
	i.publish(http.StatusInternalServerError, "")
	b := one(t, auth.TenantKeys{Keys: []auth.Key{{URL: i.URL}, {ID: "own", Secret: secret}}})
	b.Start()
	t.Cleanup(b.Close)
	_, err := b.showToken("acme", signedBy("k", rsaKey()), protocol.Claims{})
	if refusal := protocol.AsRefusal(err); refusal == nil || refusal.Reason != protocol.Busy ||
		refusal.RetryAfter == 0 {
		t.Errorf("%v", err)
	}
	b.accepts(t, compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","kid":"own"}`, live(`"sub":"bob"`)))
	i.publish(http.StatusOK, setOf(public("k", rsaKey())))
	deadline := time.Now().Add(20 * time.Second)
	for err != nil && time.Now().Before(deadline) { // it comes by itself
		time.Sleep(10 * time.Millisecond)
		_, err = b.showToken("acme", signedBy("k", rsaKey()), protocol.Claims{})
	}
	if err != nil {
		t.Fatalf("the set did not come within 20 s: %v", err)
	}
	for _, bad := range []string{"", "garbage", setOf(), setOf(`{"kty":"RSA","n":"AQAB","e":"AQAB"}`)} {
		i.publish(http.StatusOK, bad)
		again := followed(t, newIssuer(t, bad))
		if _, err := again.showToken("acme", signedBy("k", rsaKey()),
			protocol.Claims{}); protocol.AsRefusal(err).Reason != protocol.Busy {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	b.accepts(t, signedBy("k", rsaKey()))
}

// F25: a key that anybody can read signs nothing: a secret in a published set would let in every reader.
func TestRemoteKeySet_APublishedSecretIsLeftOut(t *testing.T) {
	private := strings.TrimSuffix(public("private", rsa4096()), "}") + `,"d":"AQAB"}`
	i := newIssuer(t, setOf(public("good", rsaKey()),
		fmt.Sprintf(`{"kty":"oct","kid":"oct","k":%q}`, enc([]byte(secret))), private))
	b := followed(t, i)
	b.accepts(t, signedBy("good", rsaKey()))
	b.refuses(t, protocol.InvalidToken,
		compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","kid":"oct"}`, live(`"sub":"alice"`)))
	b.refuses(t, protocol.InvalidToken, signedBy("private", rsa4096()))
	if n := strings.Count(b.log.String(), "is published"); n != 2 {
		t.Errorf("warned %d times:\n%s", n, b.log)
	}
}

// F25: a reload keeps fetched keys and fetches from new addresses; each tenant has its own.
func TestRemoteKeySet_AReloadKeepsWhatWasFetched(t *testing.T) {
	first, second := newIssuer(t, setOf(public("k", rsaKey()))), newIssuer(t, setOf(public("k", rsa4096())))
	b := followed(t, first)
	b.accepts(t, signedBy("k", rsaKey()))
	first.publish(http.StatusInternalServerError, "")
	settings := func(url string) map[string]auth.TenantKeys {
		return map[string]auth.TenantKeys{"acme": {Keys: []auth.Key{{URL: url}}},
			"b": {Keys: []auth.Key{{URL: second.URL}}}}
	}
	if err := b.Reload(settings(first.URL + "/jwks")); err != nil {
		t.Fatal(err)
	}
	b.accepts(t, signedBy("k", rsaKey()))
	if _, err := b.showToken("b", signedBy("k", rsa4096()), protocol.Claims{}); err != nil {
		t.Error(err)
	}
	if _, err := b.showToken("b", signedBy("k", rsaKey()), protocol.Claims{}); err == nil {
		t.Error("one tenant's key lets in to another")
	}
	if err := b.Reload(settings(second.URL)); err != nil {
		t.Fatal(err)
	}
	b.accepts(t, signedBy("k", rsa4096()))
	b.refuses(t, protocol.InvalidToken, signedBy("k", rsaKey()))
}

// F25: a caller gives up when its own time is over, not when the source's is.
func TestRemoteKeySet_WhoWaitsCanGiveUp(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	b := one(t, auth.TenantKeys{Keys: []auth.Key{{URL: server.URL}}})
	b.Start()
	defer b.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Authenticate(ctx, "acme", protocol.Credential{Token: signedBy("k", rsaKey())})
	if refusal := protocol.AsRefusal(err); refusal == nil || refusal.Reason != protocol.Busy {
		t.Errorf("%v", err)
	}
}

// F25: where the tenant is unresolved, the sets of all tenants that allow this are looked at.
func TestRemoteKeySet_ServesUnresolvedTenants(t *testing.T) {
	i := newIssuer(t, setOf(public("k", rsaKey())))
	b := newFixture(t, auth.Config{}, map[string]auth.TenantKeys{
		"a":     {AllowUnresolved: true, Keys: []auth.Key{{Secret: secret}}},
		"other": {AllowUnresolved: true, Keys: []auth.Key{{URL: i.URL}}},
	})
	b.Start()
	defer b.Close()
	if id, err := b.showToken(auth.UnresolvedTenant, signedBy("k", rsaKey()), protocol.Claims{}); err != nil ||
		id.Tenant != "other" {
		t.Errorf("%v, %v", id, err)
	}
}
