package auth_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

var _ actors.Authenticator = (*auth.Verifier)(nil)

const (
	secret      = "a secret of the tests, 32 bytes or more"
	otherSecret = "another secret of the tests, as long as it"
)

// epoch is when the tests begin.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// keys are made once; RSA keys take their time.
var (
	rsaKey  = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	rsa4096 = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 4096)) })
	p256    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	edKey   = sync.OnceValue(func() ed25519.PrivateKey {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return must(private, err)
	})
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// publicPEM and privatePEM write keys as openssl does.
func publicPEM(public crypto.PublicKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(public))})
}

func privatePEM(private crypto.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(private))})
}

// fixture is a Verifier with a clock and a log of its own.
type fixture struct {
	*auth.Verifier
	now time.Time
	log *bytes.Buffer
}

func newFixture(t testing.TB, cfg auth.Config, tenants map[string]auth.TenantKeys) *fixture {
	t.Helper()
	b := &fixture{now: epoch, log: &bytes.Buffer{}}
	cfg.Clock = func() time.Time { return b.now }
	cfg.Logger = slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if b.Verifier, err = auth.New(cfg, tenants); err != nil {
		t.Fatal(err)
	}
	return b
}

// one is a fixture with the tenant acme.
func one(t testing.TB, keys auth.TenantKeys) *fixture {
	t.Helper()
	return newFixture(t, auth.Config{}, map[string]auth.TenantKeys{"acme": keys})
}

// withSecret are the settings of a tenant with one HS256 key.
func withSecret() auth.TenantKeys { return auth.TenantKeys{Keys: []auth.Key{{Secret: secret}}} }

func (b *fixture) showToken(tenant, token string, rules protocol.Claims) (*protocol.Identity, error) {
	return b.Authenticate(context.Background(), tenant, protocol.Credential{Token: token, Claims: rules})
}

func (b *fixture) accepts(t testing.TB, token string, rules ...protocol.Claims) *protocol.Identity {
	t.Helper()
	id, err := b.showToken("acme", token, ruleOf(rules))
	if err != nil {
		t.Fatalf("refused (%v), log:\n%s", err, b.log)
	}
	return id
}

// refuses wants a Refusal of exactly this reason, without detail.
func (b *fixture) refuses(t testing.TB, want protocol.Reason, token string, rules ...protocol.Claims) {
	t.Helper()
	id, err := b.showToken("acme", token, ruleOf(rules))
	checkRefusal(t, id, err, want)
}

func checkRefusal(t testing.TB, id *protocol.Identity, err error, want protocol.Reason) {
	t.Helper()
	refusal, ok := errors.AsType[*protocol.Refusal](err)
	if !ok || id != nil {
		t.Fatalf("got identity %v and error %v, want a refusal", id, err)
	}
	if *refusal != (protocol.Refusal{Reason: want}) {
		t.Fatalf("refused with %+v, want %s and nothing more", *refusal, want)
	}
}

func ruleOf(rules []protocol.Claims) protocol.Claims {
	if len(rules) > 0 {
		return rules[0]
	}
	return protocol.Claims{}
}

// outcomes returns the counters of acme that are not 0.
func (b *fixture) outcomes() map[string]uint64 {
	counts := map[string]uint64{}
	for outcome, n := range b.Stats().Outcomes["acme"] {
		if n > 0 {
			counts[outcome] = n
		}
	}
	return counts
}

// compact makes a token from raw parts, as a forger can.
func compact(method jwt.SigningMethod, signKey any, header, claims string) string {
	signed := b64(header) + "." + b64(claims)
	return signed + "." + base64.RawURLEncoding.EncodeToString(must(method.Sign(signed, signKey)))
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// hs signs claims with the tests' secret.
func hs(claims string) string {
	return compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","typ":"JWT"}`, claims)
}

// live returns claims that hold for an hour, with further members.
func live(further ...string) string {
	members := append([]string{fmt.Sprintf(`"exp":%d`, epoch.Add(time.Hour).Unix())}, further...)
	return "{" + strings.Join(members, ",") + "}"
}

func alice() string { return hs(live(`"sub":"alice"`)) }
