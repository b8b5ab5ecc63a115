package api

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/parley-realtime/parley/protocol"
	"golang.org/x/time/rate"
)

// quota bounds the requests of each API key by a token bucket. It sees valid keys alone, and remembers the buckets of
// the last 4,096.
type quota struct {
	rate, burst int
	limiters    *lru.Cache[string, *rate.Limiter]
}

// newQuota makes the quota for a rate per second. For 0 it returns nil, which bounds nothing.
func newQuota(perSecond, burst int) *quota {
	if perSecond <= 0 {
		return nil
	}
	if burst <= 0 {
		burst = perSecond
	}
	limiters, err := lru.New[string, *rate.Limiter](4096)
	if err != nil {
		panic(err) // the size is a constant
	}
	return &quota{rate: perSecond, burst: burst, limiters: limiters}
}

// take takes a token for one request of a key. It returns the key's limiter, nil without a limit, or a refusal that
// says when the next request may come.
func (q *quota) take(key string) (*rate.Limiter, *protocol.Refusal) {
	if q == nil {
		return nil, nil
	}
	limiter, ok := q.limiters.Get(key)
	if !ok {
		limiter = rate.NewLimiter(rate.Limit(q.rate), q.burst)
		if earlier, ok, _ := q.limiters.PeekOrAdd(key, limiter); ok {
			limiter = earlier
		}
	}
	now := time.Now()
	if limiter.AllowN(now, 1) {
		return limiter, nil
	}
	refusal := protocol.Refuse(protocol.RateLimited,
		"more than %d requests per second with this key (burst %d)", q.rate, q.burst)
	missing := 1 - limiter.TokensAt(now)
	refusal.RetryAfter = time.Duration(missing / float64(q.rate) * float64(time.Second))
	return nil, refusal
}
