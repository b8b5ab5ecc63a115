package auth

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/parley-realtime/parley/protocol"
)

// someToken is what a usual token leaves: a user, a jti, times in whole seconds, the tenant's topics.
func someToken(t *tenant, i int) *verifiedToken {
	at := time.Unix(1_800_000_000, 0).UTC()
	return &verifiedToken{tenant: t, expires: at.Add(time.Hour),
		identity: protocol.Identity{User: fmt.Sprint("user-", i), TokenID: fmt.Sprintf("%032x", i),
			Key: protocol.KeyFingerprint{0: 1, 6: 7}, Issued: at, Topics: t.rules.topics}}
}

func hashOf(i int) (f credentialHash) {
	binary.LittleEndian.PutUint64(f[:], uint64(i)*0x9e3779b97f4a7c15)
	return f
}

func TestCache_KeepsTheWholeToken(t *testing.T) {
	acme := &tenant{name: "acme", rules: tokenRules{topics: []protocol.Pattern{"a/*"}}}
	c, err := newTokenCache(2)
	if err != nil {
		t.Fatal(err)
	}
	now := &tenantTable{byName: map[string]*tenant{"acme": acme}}
	plain, odd := someToken(acme, 1), someToken(acme, 2)
	odd.expires, odd.session, odd.identity.Issued = time.Time{}, true, time.Unix(1_800_000_000, 123_456_789).UTC()
	odd.identity.Topics = []protocol.Pattern{"b", "c"}
	far := someToken(acme, 3)
	far.expires = time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	for i, v := range []*verifiedToken{plain, odd, far} {
		c.put(hashOf(i), v)
		got := c.get(hashOf(i), now)
		if got == nil || got.tenant != v.tenant || got.session != v.session || !got.expires.Equal(v.expires) ||
			got.expires.IsZero() != v.expires.IsZero() ||
			got.identity.User != v.identity.User || got.identity.TokenID != v.identity.TokenID ||
			got.identity.Key != v.identity.Key || !got.identity.Issued.Equal(v.identity.Issued) ||
			!slices.Equal(got.identity.Topics, v.identity.Topics) {
			t.Errorf("kept %+v, found %+v", v, got)
		}
	}
}

// Eight bytes of the hash place an entry; all of them tell tokens apart.
func TestCache_TwoTokensInOnePlaceAreToldApart(t *testing.T) {
	acme := &tenant{name: "acme"}
	now := &tenantTable{byName: map[string]*tenant{"acme": acme}}
	c, err := newTokenCache(4)
	if err != nil {
		t.Fatal(err)
	}
	first, second := hashOf(1), hashOf(1)
	second[31] = 1
	c.put(first, someToken(acme, 1))
	c.remove(second)
	if c.get(second, now) != nil || c.get(first, now) == nil {
		t.Error("one token is taken for the other")
	}
	c.put(second, someToken(acme, 2))
	if got := c.get(second, now); got == nil || got.identity.User != "user-2" || c.get(first, now) != nil ||
		c.len() != 1 {
		t.Errorf("found %+v among %d", got, c.len())
	}
}

// Every client has both: one more byte in either puts each into the next size class of the allocator, 16 bytes larger.
func TestCache_ACachedTokenAndAnIdentityFillTheirSizeClasses(t *testing.T) {
	if size := unsafe.Sizeof(cachedToken{}); size != 144 {
		t.Errorf("a cached token has %d bytes, want 144", size)
	}
	if size := unsafe.Sizeof(protocol.Identity{}); size != 128 {
		t.Errorf("an identity has %d bytes, want 128", size)
	}
}

// What does a cached token cost, with its user's name and jti?
func BenchmarkCache_BytesPerToken(b *testing.B) {
	const tokens = 100_000
	acme := &tenant{name: "acme"}
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for range b.N {
		before := heap()
		c, err := newTokenCache(tokens)
		if err != nil {
			b.Fatal(err)
		}
		for i := range tokens {
			c.put(hashOf(i), someToken(acme, i))
		}
		b.ReportMetric(float64(heap()-before)/tokens, "B/token")
		runtime.KeepAlive(c)
	}
}
