package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// provider is an identity provider that publishes its keys over HTTPS and replaces them.
type provider struct {
	*httptest.Server
	t    *testing.T
	down atomic.Bool

	mu   sync.Mutex
	keys map[string]*rsa.PrivateKey // those that are published
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{t: t, keys: map[string]*rsa.PrivateKey{}}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if p.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		var all []string
		for kid, key := range p.keys {
			all = append(all, fmt.Sprintf(`{"kty":"RSA","use":"sig","kid":%q,"n":%q,"e":"AQAB"}`, kid,
				base64.RawURLEncoding.EncodeToString(key.N.Bytes())))
		}
		w.Header().Set("Cache-Control", "max-age=3600")
		fmt.Fprintf(w, `{"keys":[%s]}`, strings.Join(all, ","))
	}))
	t.Cleanup(p.Close)
	return p
}

// rotate publishes one new key and no other.
func (p *provider) rotate(kid string) *rsa.PrivateKey {
	p.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = map[string]*rsa.PrivateKey{kid: key}
	return key
}

// token is one that the provider gives a user.
func (p *provider) token(kid string, key *rsa.PrivateKey, user string) string {
	p.t.Helper()
	unsigned := jwt.NewWithClaims(jwt.SigningMethodRS256,
		jwt.MapClaims{"sub": user, "exp": time.Now().Add(time.Hour).Unix()})
	unsigned.Header["kid"] = kid
	signed, err := unsigned.SignedString(key)
	if err != nil {
		p.t.Fatal(err)
	}
	return signed
}

// configured is a configuration with the provider's keys, and the environment in which its certificate is believed.
func (p *provider) configured() (config string, environ []string) {
	p.t.Helper()
	dir := p.t.TempDir()
	config, ca := filepath.Join(dir, "parley.yaml"), filepath.Join(dir, "ca.pem")
	rewrite(p.t, config, "tenants:\n  - name: acme\n    api_keys: ["+firstAPIKey+"]\n    keys: [{jwks_url: '"+p.URL+
		"/jwks?secret=hush'}]\n")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw}),
		0o600); err != nil {
		p.t.Fatal(err)
	}
	return config, []string{"SSL_CERT_FILE=" + ca, "PARLEY_VALTRONICS_CONNECTS_PER_MINUTE=0",
		"PARLEY_VALTRONICS_CONNECTIONS_PER_USER=0"}
}

// F25: keys are replaced at the source under load: whoever is there stays, a token of the new key is taken at once, one
// of the old no more, and nobody is turned away meanwhile; the source may then go away.
func TestJWKS_RotationUnderLoadDropsNobody(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	old := p.rotate("old")
	config, environ := p.configured()
	r := serve(t, environ, "--config", config)
	stays := r.logged(p.token("old", old, "stays"))
	say(t, stays, `{"type":"subscribe","channel":"alerts"}`)
	stop := make(chan struct{})
	var load sync.WaitGroup
	var turns atomic.Int64
	fresh := atomic.Pointer[string]{}
	fresh.Store(new(p.token("old", old, "busy")))
	load.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if token := *fresh.Load(); !r.takes(token) && token == *fresh.Load() {
					t.Error("a token that is good was turned away")
				}
				turns.Add(1)
			}
		}
	})
	busy := func() {
		for late, before := r.patient(), turns.Load(); turns.Load() < before+5; late() {
			time.Sleep(time.Millisecond)
		}
	}
	busy()
	renewed := p.rotate("new")
	fresh.Store(new(p.token("new", renewed, "busy")))
	if !r.takes(p.token("new", renewed, "alice")) {
		t.Error("a token of the new key was turned away")
	}
	busy()
	p.down.Store(true)
	if r.takes(p.token("old", old, "alice")) {
		t.Error("a token of the old key is still taken")
	}
	if !r.takes(p.token("new", renewed, "bob")) {
		t.Error("without its source the set is gone")
	}
	close(stop)
	load.Wait()
	say(t, stays, `{"type":"ping"}`)
	if answer, err := next(t, stays); err != nil || !strings.Contains(answer, "pong") {
		t.Errorf("the connection of before: %s %v", answer, err)
	}
	if metrics := r.metrics(); !strings.Contains(metrics,
		`parley_jwks_fetches_total{outcome="fetched",tenant="acme"} 2`) || !strings.Contains(metrics,
		`parley_jwks_age_seconds{tenant="acme"}`) {
		t.Error("the metrics do not tell")
	}
}

// F25: the server starts while its source is down, says so once, and takes the keys when they come; check says it, too.
func TestJWKS_StartsWithoutItsSource(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.down.Store(true)
	key := p.rotate("k")
	config, environ := p.configured()
	checked := parley(t, environ, "check", "--config", config)
	if checked.status != 0 || !strings.Contains(checked.stderr,
		"parley.yaml:4: tenants[0].keys[0].jwks_url: cannot be fetched now: the status is 502") {
		t.Errorf("check: %d\n%s%s", checked.status, checked.stdout, checked.stderr)
	}
	r := serve(t, environ, "--config", config)
	r.log.contains(t, "the key set cannot be fetched", "502")
	if r.takes(p.token("k", key, "alice")) {
		t.Error("a token was taken without its key")
	}
	p.down.Store(false)
	deadline := time.Now().Add(patience)
	for !r.takes(p.token("k", key, "alice")) {
		if time.Now().After(deadline) {
			t.Fatalf("the keys did not come within %s", patience)
		}
	}
	r.log.contains(t, "can be fetched again", p.Listener.Addr().String())
	if said := strings.Join(r.log.all(), "\n") + checked.stderr; strings.Contains(said, "hush") {
		t.Errorf("the address shows in\n%s", said)
	}
}

// F24, F25: what of a set cannot be used is a warning of check; what is no https is a problem.
func TestCheck_SaysWhatOfAKeySetCannotBeUsed(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.rotate("k")
	p.mu.Lock()
	p.keys["weak"] = must(rsa.GenerateKey(rand.Reader, 1024))
	p.mu.Unlock()
	config, environ := p.configured()
	checked := parley(t, environ, "check", "--config", config)
	if checked.status != 0 || !strings.Contains(checked.stderr, `(kid "weak") is an RSA key of 1024 bits`) {
		t.Errorf("check: %d\n%s%s", checked.status, checked.stdout, checked.stderr)
	}
	rewrite(t, config, strings.Replace(string(must(os.ReadFile(config))), p.URL, "http://id.example", 1))
	checked = parley(t, environ, "check", "--config", config)
	if checked.status != 1 || !strings.Contains(checked.stdout, "must be https") ||
		strings.Contains(checked.stdout, "hush") {
		t.Errorf("check: %d\n%s%s", checked.status, checked.stdout, checked.stderr)
	}
}
