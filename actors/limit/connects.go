package limit

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"github.com/parley-realtime/parley/protocol"
)

// connects bounds how often one address or user may connect. It forgets those that it has not
// seen for long.
type connectLimiter struct {
	mu   sync.Mutex
	keys *simplelru.LRU[string, *rate.Limiter]
}

// maxConnectKeys bounds the addresses and users that are watched in one tenant.
const maxConnectKeys = 65536

func newConnectLimiter() *connectLimiter {
	keys, _ := simplelru.NewLRU[string, *rate.Limiter](maxConnectKeys, nil)
	return &connectLimiter{keys: keys}
}

// Dialects have limits of their own, so they are watched apart.
func addressKey(d protocol.Dialect, address string) string {
	return d.Name() + " address " + Network(address)
}
func userKey(d protocol.Dialect, user string) string { return d.Name() + " user " + user }

// Network is what counts as one address: of IPv6 the first 64 bits, since a client that has one address has as a rule
// all of that network.
func Network(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Is4() {
		return address
	}
	prefix, _ := addr.Prefix(64)
	return prefix.String()
}

// take counts a connect of key and reports whether it is within perMinute; if not, when the next one is. 0 is no limit.
func (c *connectLimiter) take(key string, perMinute int, now time.Time) (wait time.Duration, ok bool) {
	if perMinute <= 0 {
		return 0, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	limiter, known := c.keys.Get(key)
	if !known || limiter.Burst() != perMinute {
		limiter = rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)
		c.keys.Add(key, limiter)
	}
	if limiter.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - limiter.TokensAt(now)
	return time.Duration(missing / float64(limiter.Limit()) * float64(time.Second)), false
}

// refund takes a connect of key back.
func (c *connectLimiter) refund(key string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if limiter, known := c.keys.Peek(key); known {
		limiter.AllowN(now, -1)
	}
}
