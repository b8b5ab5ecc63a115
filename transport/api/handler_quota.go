package api

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/parley-realtime/parley/protocol"
	"golang.org/x/time/rate"
)

// quota bounds how often each key may call. Only keys that hold come here, and those of the last 4,096 are remembered.
type quota struct {
	rate, burst int
	limiters    *lru.Cache[string, *rate.Limiter]
}

// newQuota makes the quota for a rate per second; nil, which admits all, for 0.
func newQuota(perSecond, burst int) *quota {
	if perSecond <= 0 {
		return nil
	}
	if burst <= 0 {
		burst = perSecond
	}
	limiters, err := lru.New[string, *rate.Limiter](4096)
	if err != nil {
		panic(err) // the size is no input
	}
	return &quota{rate: perSecond, burst: burst, limiters: limiters}
}

// admit counts one request of a key, or says when the next may come.
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
	refusal := protocol.Refuse(protocol.RateLimited, "more than %d requests per second with this key (burst %d)", q.rate, q.burst)
	missing := 1 - limiter.TokensAt(now)
	refusal.RetryAfter = time.Duration(missing / float64(q.rate) * float64(time.Second))
	return nil, refusal
}

// charge counts n more requests, which later ones will have to wait for.
func (rc *requestContext) charge(n int) {
	if rc.limiter == nil {
		return
	}
	for now := time.Now(); n > 0; n -= rc.limiter.Burst() {
		rc.limiter.ReserveN(now, min(n, rc.limiter.Burst()))
	}
}
