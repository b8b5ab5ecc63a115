package auth

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// issues are the latest times at which a tenant's tokens say that they were issued, by the issuers' clocks: what was
// issued until now, for a revocation, is what says so by them.
type issueTimes struct {
	latest atomic.Int64 // among those that are ahead of our clock by no more than MaxLeeway, in Unix nanoseconds

	mu sync.Mutex
	// the latest of each user that was further ahead; guarded by mu, nil before the first
	ahead *simplelru.LRU[string, time.Time]
}

// maxAhead bounds the users of a tenant whose issuer's clock is far ahead.
const maxAhead = 4096

// isAhead reports whether a time lies so far ahead that it says nothing about when a token was issued.
func isAhead(issued, now time.Time) bool { return issued.After(now.Add(MaxLeeway)) }

func (i *issueTimes) record(user string, issued, now time.Time) {
	switch {
	case issued.IsZero():
	case isAhead(issued, now):
		i.recordAhead(user, issued)
	default:
		storeMax(&i.latest, issued.UnixNano())
	}
}

func (i *issueTimes) recordAhead(user string, issued time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ahead == nil {
		i.ahead, _ = simplelru.NewLRU[string, time.Time](maxAhead, nil)
	}
	known, _ := i.ahead.Get(user)
	i.ahead.Add(user, later(known, issued))
}

// lastIssuedTo is the latest of all that may be a time of one user's tokens.
func (l *tenantState) latestIssuedTo(user string) time.Time {
	i := &l.issueTimes
	latest := time.Unix(0, i.latest.Load())
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ahead != nil {
		ahead, _ := i.ahead.Peek(user)
		latest = later(latest, ahead)
	}
	return latest
}

// raise makes most at least as great as value.
func storeMax(most *atomic.Int64, value int64) {
	for known := most.Load(); value > known && !most.CompareAndSwap(known, value); {
		known = most.Load()
	}
}
