package auth_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

func TestCache_ARememberedTokenExpiresOnTheSecond(t *testing.T) {
	b := one(t, withSecret())
	token := hs(fmt.Sprintf(`{"sub":"alice","exp":%d}`, unix(time.Minute)))
	b.accepts(t, token)
	b.now = epoch.Add(70*time.Second - 1)
	b.accepts(t, token)
	if got := b.outcomes(); got["accepted"] != 1 || got["cached"] != 1 {
		t.Fatalf("outcomes %v", got)
	}
	b.now = epoch.Add(70 * time.Second)
	b.refuses(t, protocol.TokenExpired, token)
	if n := b.Stats().CacheEntries; n != 0 {
		t.Errorf("%d expired tokens are still cached", n)
	}
}

func TestCache_IsBoundedAndLosesTheLeastUsed(t *testing.T) {
	b := newFixture(t, auth.Config{CacheEntries: 3}, map[string]auth.TenantKeys{"acme": withSecret()})
	token := func(i int) string { return hs(live(fmt.Sprintf(`"sub":%d`, i))) }
	for i := range 3 {
		b.accepts(t, token(i))
	}
	b.accepts(t, token(0)) // used again
	b.accepts(t, token(3)) // evicts 1
	before := b.outcomes()["cached"]
	b.accepts(t, token(0))
	b.accepts(t, token(1))
	if got := b.outcomes()["cached"] - before; got != 1 {
		t.Errorf("%d of two came from memory, want the one that was used", got)
	}
	if n := b.Stats().CacheEntries; n != 3 {
		t.Errorf("%d entries, the bound is 3", n)
	}
}

func TestCache_RefusalsAreNotRemembered(t *testing.T) {
	b := one(t, withSecret())
	early := hs(fmt.Sprintf(`{"sub":"alice","exp":%d,"nbf":%d}`, unix(time.Hour), unix(time.Minute)))
	b.refuses(t, protocol.InvalidToken, early)
	if n := b.Stats().CacheEntries; n != 0 {
		t.Errorf("%d refusals are cached", n)
	}
	b.now = epoch.Add(time.Minute)
	b.accepts(t, early)
}

func TestCache_EachCallerGetsAnIdentityOfItsOwn(t *testing.T) {
	b := one(t, withSecret())
	first := b.accepts(t, alice())
	first.User, first.Expires = "mallory", time.Time{}
	second := b.accepts(t, alice())
	if second.User != "alice" || second.Expires.IsZero() || !slices.Equal(second.Topics, []protocol.Pattern{"*"}) {
		t.Errorf("the second caller got %+v", second)
	}
}
