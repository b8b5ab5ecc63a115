package auth_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// airlayBench is a verifier on the real clock and an AirLay token of 948 bytes (RS256, 4096 bits).
func airlayBench(tb testing.TB) (*auth.Verifier, protocol.Credential) {
	keys := auth.TenantKeys{Keys: []auth.Key{{PEM: publicPEM(rsa4096().Public())}}}
	v, err := auth.New(auth.Config{Logger: slog.New(slog.DiscardHandler)}, map[string]auth.TenantKeys{"acme": keys})
	if err != nil {
		tb.Fatal(err)
	}
	now := time.Now()
	claims := fmt.Sprintf(airlay, now.Unix(), now.Add(2*time.Hour).Unix())
	token := compact(jwt.SigningMethodRS256, rsa4096(), `{"typ":"JWT","alg":"RS256"}`, claims)
	return v, protocol.Credential{Token: token, Claims: protocol.Claims{User: []string{"data.id"}}}
}

// What does a token cost that was seen before? This is what the cache is for, since AirLay sends a token with every
// request.
func BenchmarkAuthenticate_RS256With4096BitsFromTheCache(b *testing.B) {
	v, credential := airlayBench(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Authenticate(context.Background(), "acme", credential); err != nil {
			b.Fatal(err)
		}
	}
}

// The same while the tenant has revocations, which cost two look-ups more.
func BenchmarkAuthenticate_FromTheCacheWithRevocations(b *testing.B) {
	v, credential := airlayBench(b)
	for i := range 10_000 {
		if err := v.Revoke("acme", auth.Revocation{TokenID: fmt.Sprint("t", i)}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Authenticate(context.Background(), "acme", credential); err != nil {
			b.Fatal(err)
		}
	}
}

// What does a new token cost? Each iteration has other rules, so that no token is in the cache.
func BenchmarkAuthenticate_RS256With4096BitsVerified(b *testing.B) {
	v, credential := airlayBench(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		credential.Claims.User = []string{"data.id", fmt.Sprint(i)}
		if _, err := v.Authenticate(context.Background(), "acme", credential); err != nil {
			b.Fatal(err)
		}
	}
}

// What does a forgery cost?
func BenchmarkAuthenticate_BadSignature(b *testing.B) {
	v, credential := airlayBench(b)
	credential.Token = credential.Token[:len(credential.Token)-10] + "AAAAAAAAAA"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Authenticate(context.Background(), "acme", credential); err == nil {
			b.Fatal("accepted")
		}
	}
}

func TestCache_AHitCostsTwoAllocationsAtMost(t *testing.T) {
	v, credential := airlayBench(t)
	if _, err := v.Authenticate(context.Background(), "acme", credential); err != nil {
		t.Fatal(err)
	}
	allocations := testing.AllocsPerRun(100, func() {
		_, _ = v.Authenticate(context.Background(), "acme", credential)
	})
	if allocations > 2 {
		t.Errorf("%.0f allocations", allocations)
	}
}
