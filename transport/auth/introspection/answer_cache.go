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
	m := answerCache{positiveTTL: cfg.PositiveTTL, negativeTTL: cfg.NegativeTTL}
	// NewLRU fails only for a size below 1, which Check refuses.
	m.positive, _ = simplelru.NewLRU[questionHash, cachedAnswer](cfg.CacheEntries, nil)
	m.negative, _ = simplelru.NewLRU[questionHash, cachedAnswer](cfg.CacheEntries, nil)
	if cfg.Failure == AllowCached {
		m.staleFor = cfg.Stale
	}
	return m
}

// get returns an answer that has not expired.
func (m *answerCache) get(hash questionHash, now time.Time) (Answer, bool) {
	if r, ok := m.positive.Get(hash); ok {
		if now.Before(r.until) {
			return r.answer, true
		}
		if !now.Before(r.until.Add(m.staleFor)) {
			m.positive.Remove(hash)
		}
	}
	if r, ok := m.negative.Get(hash); ok {
		if now.Before(r.until) {
			return r.answer, true
		}
		m.negative.Remove(hash)
	}
	return Answer{}, false
}

// getStale returns a yes that has expired, for no longer than the policy tolerates. A later no has removed it.
func (m *answerCache) getStale(hash questionHash, now time.Time) (Answer, bool) {
	r, ok := m.positive.Get(hash)
	if !ok || !now.Before(r.until.Add(m.staleFor)) {
		return Answer{}, false
	}
	return r.answer, true
}

func (m *answerCache) put(hash questionHash, a Answer, now time.Time) {
	ttl := m.negativeTTL
	if a.Allow {
		ttl = m.positiveTTL
	}
	if a.ttl != nil {
		ttl = min(ttl, *a.ttl)
	}
	until := now.Add(ttl)
	if a.Allow {
		m.negative.Remove(hash)
		m.positive.Add(hash, cachedAnswer{a, until})
	} else {
		m.positive.Remove(hash)
		m.negative.Add(hash, cachedAnswer{a, until})
	}
}

func (m *answerCache) len() int { return m.positive.Len() + m.negative.Len() }
