package auth

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// tenantState is what is kept of a tenant while its keys change.
type tenantState struct {
	counts   outcomeCounters
	failures minuteCounter
	revoked  tenantRevocations
	// latestExpiry is the latest exp of an accepted token, in Unix seconds: revocations hold at least until then.
	latestExpiry atomic.Int64
	issueTimes   issueTimes
}

// recordToken records the times of a token that was accepted.
func (s *tenantState) recordToken(v *verifiedToken, now time.Time) {
	if !v.expires.IsZero() {
		storeMax(&s.latestExpiry, v.expires.Unix())
	}
	s.issueTimes.record(v.identity.User, v.identity.Issued, now)
}

// latestIssuedTo returns the latest time of issue that a token of the user may have.
func (s *tenantState) latestIssuedTo(user string) time.Time {
	i := &s.issueTimes
	latest := time.Unix(0, i.latest.Load())
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ahead != nil {
		ahead, _ := i.ahead.Peek(user)
		latest = later(latest, ahead)
	}
	return latest
}

// issueTimes holds the latest iat claims of a tenant, by its issuers' clocks: a revocation of everything that was
// issued until now has to go by those clocks.
type issueTimes struct {
	latest atomic.Int64 // of those that are ahead of our clock by no more than MaxLeeway, in Unix nanoseconds

	mu sync.Mutex
	// ahead has the latest iat of each user whose token was further ahead; guarded by mu, nil before the first.
	ahead *simplelru.LRU[string, time.Time]
}

// maxAhead bounds the users of a tenant whose issuer's clock is far ahead.
const maxAhead = 4096

// isAhead reports whether a time of issue lies so far ahead of our clock that it says nothing.
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

// storeMax makes n at least as great as value.
func storeMax(n *atomic.Int64, value int64) {
	for known := n.Load(); value > known && !n.CompareAndSwap(known, value); {
		known = n.Load()
	}
}
