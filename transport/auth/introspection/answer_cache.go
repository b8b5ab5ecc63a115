package introspection

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// answerCache caches answers. Its owner guards it.
type answerCache struct {
	positive, negative                 *simplelru.LRU[questionHash, cachedAnswer]
	positiveTTL, negativeTTL, staleFor time.Duration
}

type cachedAnswer struct {
	answer Answer
	until  time.Time
}

func newAnswerCache(cfg *Config) answerCache {
	c := answerCache{positiveTTL: cfg.PositiveTTL, negativeTTL: cfg.NegativeTTL}
	// NewLRU fails only for a size below 1, which Check refuses.
	c.positive, _ = simplelru.NewLRU[questionHash, cachedAnswer](cfg.CacheEntries, nil)
	c.negative, _ = simplelru.NewLRU[questionHash, cachedAnswer](cfg.CacheEntries, nil)
	if cfg.Failure == AllowCached {
		c.staleFor = cfg.Stale
	}
	return c
}

// get returns an answer that has not expired.
func (c *answerCache) get(hash questionHash, now time.Time) (Answer, bool) {
	if r, ok := c.positive.Get(hash); ok {
		if now.Before(r.until) {
			return r.answer, true
		}
		if !now.Before(r.until.Add(c.staleFor)) {
			c.positive.Remove(hash)
		}
	}
	if r, ok := c.negative.Get(hash); ok {
		if now.Before(r.until) {
			return r.answer, true
		}
		c.negative.Remove(hash)
	}
	return Answer{}, false
}

// getStale returns a yes that has expired, for no longer than the policy tolerates. A later no has removed it.
func (c *answerCache) getStale(hash questionHash, now time.Time) (Answer, bool) {
	r, ok := c.positive.Get(hash)
	if !ok || !now.Before(r.until.Add(c.staleFor)) {
		return Answer{}, false
	}
	return r.answer, true
}

func (c *answerCache) put(hash questionHash, a Answer, now time.Time) {
	ttl := c.negativeTTL
	if a.Allow {
		ttl = c.positiveTTL
	}
	if a.ttl != nil {
		ttl = min(ttl, *a.ttl)
	}
	until := now.Add(ttl)
	if a.Allow {
		c.negative.Remove(hash)
		c.positive.Add(hash, cachedAnswer{a, until})
	} else {
		c.positive.Remove(hash)
		c.negative.Add(hash, cachedAnswer{a, until})
	}
}

func (c *answerCache) len() int { return c.positive.Len() + c.negative.Len() }
