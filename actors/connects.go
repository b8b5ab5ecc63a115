package actors

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"github.com/parley-realtime/parley/protocol"
)

// connects bounds how often one address or user may connect. Whom it has not seen for long, it forgets.
type connects struct {
	mu   sync.Mutex
	keys *simplelru.LRU[string, *rate.Limiter]
}

// maxConnectKeys bounds the addresses and users that are watched in one tenant.
const maxConnectKeys = 65536

func newConnects() *connects {
	keys, _ := simplelru.NewLRU[string, *rate.Limiter](maxConnectKeys, nil)
	return &connects{keys: keys}
}

// Dialects have limits of their own, so they are watched apart.
func addressKey(d protocol.Dialect, address string) string {
	return d.Name() + " address " + network(address)
}
func userKey(d protocol.Dialect, user string) string { return d.Name() + " user " + user }

// network is what counts as one address: of IPv6 the first 64 bits, since whoever has one address has as a rule all of
// that network.
func network(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Is4() {
		return address
	}
	prefix, _ := addr.Prefix(64)
	return prefix.String()
}

func tooMany(most int, what string, wait time.Duration) *protocol.Refusal {
	why := protocol.Refuse(protocol.RateLimited, "more than %d %s", most, what)
	why.RetryAfter = wait
	return why
}

// take counts a connect of key and reports whether it is within perMinute; if not, when the next one is. 0 is no limit.
func (c *connects) take(key string, perMinute int, now time.Time) (wait time.Duration, ok bool) {
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

// back takes a connect of key back.
func (c *connects) back(key string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if limiter, known := c.keys.Peek(key); known {
		limiter.AllowN(now, -1)
	}
}
