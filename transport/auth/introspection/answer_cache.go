package introspection

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// memory remembers answers. Its owner guards it.
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
	// fails below 1 alone, which Check refuses
	m.positive, _ = simplelru.NewLRU[questionHash, cachedAnswer](cfg.CacheEntries, nil)
	m.negative, _ = simplelru.NewLRU[questionHash, cachedAnswer](cfg.CacheEntries, nil)
	if cfg.Failure == AllowCached {
		m.staleFor = cfg.Stale
	}
	return m
}

// find returns an answer whose time is not over.
func (m *answerCache) get(f questionHash, now time.Time) (Answer, bool) {
	if r, ok := m.positive.Get(f); ok {
		if now.Before(r.until) {
			return r.answer, true
		}
		if !now.Before(r.until.Add(m.staleFor)) {
			m.positive.Remove(f)
		}
	}
	if r, ok := m.negative.Get(f); ok {
		if now.Before(r.until) {
			return r.answer, true
		}
		m.negative.Remove(f)
	}
	return Answer{}, false
}

// old returns a yes whose time is over, but not for longer than the policy tolerates. A no since then has removed it.
func (m *answerCache) getStale(f questionHash, now time.Time) (Answer, bool) {
	r, ok := m.positive.Get(f)
	if !ok || !now.Before(r.until.Add(m.staleFor)) {
		return Answer{}, false
	}
	return r.answer, true
}

func (m *answerCache) put(f questionHash, a Answer, now time.Time) {
	ttl := m.negativeTTL
	if a.Allow {
		ttl = m.positiveTTL
	}
	if a.ttl != nil {
		ttl = min(ttl, *a.ttl)
	}
	until := now.Add(ttl)
	if a.Allow {
		m.negative.Remove(f)
		m.positive.Add(f, cachedAnswer{a, until})
	} else {
		m.positive.Remove(f)
		m.negative.Add(f, cachedAnswer{a, until})
	}
}

func (m *answerCache) len() int { return m.positive.Len() + m.negative.Len() }
