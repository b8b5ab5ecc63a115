package grant

import (
	"slices"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Revocation takes rights back: of a user, of one token, or of a user's tokens issued before a time.
type Revocation struct {
	User, TokenID string
	Before        time.Time
}

// Covers reports whether the revocation takes the identity's rights.
func (r Revocation) Covers(id *protocol.Identity) bool {
	return (r.User != "" || r.TokenID != "") &&
		(r.User == "" || r.User == id.User) && (r.TokenID == "" || r.TokenID == id.TokenID) &&
		(r.Before.IsZero() || id.Issued.Before(r.Before))
}

// revocations are a tenant's newest: they are for connections whose credential was checked before one, and whose
// actor begins after it.
type Revocations struct {
	mu    sync.Mutex
	noted []noted // oldest first
}

type noted struct {
	Revocation
	at time.Time
}

// An upgrade takes less than revocationAge. With more than maxRevocations in that time, the oldest are forgotten.
const (
	revocationAge  = time.Minute
	maxRevocations = 4096
)

// Note adds a revocation, in the place of an earlier one of the same target.
func (rs *Revocations) Note(r Revocation, now time.Time) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.noted = slices.DeleteFunc(rs.noted, r.sameTarget)
	old := 0
	for old < len(rs.noted) && (now.Sub(rs.noted[old].at) > revocationAge || len(rs.noted)-old >= maxRevocations) {
		old++
	}
	rs.noted = append(slices.Delete(rs.noted, 0, old), noted{r, now})
}

// sameTarget says that the later of the two replaces the other.
func (r Revocation) sameTarget(n noted) bool { return n.User == r.User && n.TokenID == r.TokenID }

// Forget takes a revocation back and reports whether there was one of the same target.
func (rs *Revocations) Forget(r Revocation) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	before := len(rs.noted)
	rs.noted = slices.DeleteFunc(rs.noted, r.sameTarget)
	return len(rs.noted) < before
}

// Cover reports whether the identity was revoked a moment ago. A user's token that was issued since is a new right.
func (rs *Revocations) Cover(id *protocol.Identity, now time.Time) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return slices.ContainsFunc(rs.noted, func(n noted) bool {
		return now.Sub(n.at) <= revocationAge && n.Covers(id) && (n.TokenID != "" || id.Issued.Before(n.at))
	})
}
