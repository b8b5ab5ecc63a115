package limit

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"github.com/parley-realtime/parley/protocol"
)

// connectLimiter bounds how often one address or user may connect. It forgets those not seen for the longest time.
type connectLimiter struct {
	mu   sync.Mutex
	keys *simplelru.LRU[string, *rate.Limiter]
}

// maxConnectKeys bounds the addresses and users that one tenant's limiter remembers.
const maxConnectKeys = 65536

func newConnectLimiter() *connectLimiter {
	keys, _ := simplelru.NewLRU[string, *rate.Limiter](maxConnectKeys, nil)
	return &connectLimiter{keys: keys}
}

// addressKey is the key of an address: each dialect has limits of its own and counts apart.
func addressKey(d protocol.Dialect, address string) string {
	return d.Name() + " address " + Network(address)
}

// userKey is the key of a user, likewise.
func userKey(d protocol.Dialect, user string) string { return d.Name() + " user " + user }

// Network returns what counts as one address: of IPv6 its /64 network, since a client that has one address as a rule
// has all of that network. It returns anything but an IP address as it is.
func Network(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Is4() {
		return address
	}
	prefix, _ := addr.Prefix(64)
	return prefix.String()
}

// take counts a connect of key and reports whether it is within perMinute; if not, how long to wait for the next one. 0
// is no limit. With asking it counts nothing.
func (c *connectLimiter) take(key string, perMinute int, now time.Time, asking bool) (wait time.Duration, ok bool) {
	if perMinute <= 0 {
		return 0, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	limiter, known := c.keys.Peek(key)
	if !known || limiter.Burst() != perMinute {
		limiter = rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)
	}
	if !asking {
		c.keys.Add(key, limiter)
	}
	if limiter.AllowN(now, 1) {
		if asking {
			limiter.AllowN(now, -1)
		}
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
