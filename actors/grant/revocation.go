package grant

import (
	"slices"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Revocation revokes the identities of a user, of one token, or of a user's tokens that were issued before a time.
type Revocation struct {
	User, TokenID string    // "" is any, but not both
	Before        time.Time // zero is any time
}

// Covers reports whether r revokes the identity.
func (r Revocation) Covers(id *protocol.Identity) bool {
	return (r.User != "" || r.TokenID != "") &&
		(r.User == "" || r.User == id.User) && (r.TokenID == "" || r.TokenID == id.TokenID) &&
		(r.Before.IsZero() || id.Issued.Before(r.Before))
}

// Revocations are the newest of a tenant. They are for connections whose credential was checked before a revocation,
// and whose actor begins after it. The zero Revocations are ready.
type Revocations struct {
	mu     sync.Mutex
	newest []notedRevocation // oldest first
}

// notedRevocation is a revocation and when it came.
type notedRevocation struct {
	Revocation
	at time.Time
}

// Revocations are kept for revocationAge, since an upgrade takes less; of more than maxRevocations in that time the
// oldest are forgotten.
const (
	revocationAge  = time.Minute
	maxRevocations = 4096
)

// Note adds a revocation, which replaces an earlier one of the same target.
func (rs *Revocations) Note(r Revocation, now time.Time) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.newest = slices.DeleteFunc(rs.newest, r.sameTarget)
	old := 0
	for old < len(rs.newest) && (now.Sub(rs.newest[old].at) > revocationAge || len(rs.newest)-old >= maxRevocations) {
		old++
	}
	rs.newest = append(slices.Delete(rs.newest, 0, old), notedRevocation{r, now})
}

// sameTarget reports whether both are of the same user and token, so that the later replaces the other.
func (r Revocation) sameTarget(n notedRevocation) bool {
	return n.User == r.User && n.TokenID == r.TokenID
}

// Forget removes the revocation of the same target, and reports whether there was one.
func (rs *Revocations) Forget(r Revocation) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	before := len(rs.newest)
	rs.newest = slices.DeleteFunc(rs.newest, r.sameTarget)
	return len(rs.newest) < before
}

// Cover reports whether the identity was revoked within the last minute. A revocation of a user does not cover a token
// that was issued since.
func (rs *Revocations) Cover(id *protocol.Identity, now time.Time) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return slices.ContainsFunc(rs.newest, func(n notedRevocation) bool {
		return now.Sub(n.at) <= revocationAge && n.Covers(id) && (n.TokenID != "" || id.Issued.Before(n.at))
	})
}
