package introspection

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// memory remembers answers. Its owner guards it.
type memory struct {
	positive, negative *simplelru.LRU[mark, remembered]
	yes, no, stale     time.Duration
}

type remembered struct {
	answer Answer
	until  time.Time
}

func newMemory(cfg *Config) memory {
	m := memory{yes: cfg.PositiveTTL, no: cfg.NegativeTTL}
	m.positive, _ = simplelru.NewLRU[mark, remembered](cfg.CacheEntries, nil) // fails below 1 alone, which Check refuses
	m.negative, _ = simplelru.NewLRU[mark, remembered](cfg.CacheEntries, nil)
	if cfg.Failure == AllowCached {
		m.stale = cfg.Stale
	}
	return m
}

// find returns an answer whose time is not over.
func (m *memory) find(f mark, now time.Time) (Answer, bool) {
	if r, ok := m.positive.Get(f); ok {
		if now.Before(r.until) {
			return r.answer, true
		}
		if !now.Before(r.until.Add(m.stale)) {
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
func (m *memory) old(f mark, now time.Time) (Answer, bool) {
	r, ok := m.positive.Get(f)
	if !ok || !now.Before(r.until.Add(m.stale)) {
		return Answer{}, false
	}
	return r.answer, true
}

func (m *memory) keep(f mark, a Answer, now time.Time) {
	ttl := m.no
	if a.Allow {
		ttl = m.yes
	}
	if a.ttl != nil {
		ttl = min(ttl, *a.ttl)
	}
	until := now.Add(ttl)
	if a.Allow {
		m.negative.Remove(f)
		m.positive.Add(f, remembered{a, until})
	} else {
		m.positive.Remove(f)
		m.negative.Add(f, remembered{a, until})
	}
}

func (m *memory) size() int { return m.positive.Len() + m.negative.Len() }
