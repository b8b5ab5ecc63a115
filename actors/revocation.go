package actors

import (
	"context"
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

// revoker is an Authenticator that remembers what was revoked, so that it does not come in again. An error of StorageFull
// says that it does so until the process ends, any other that nothing was done.
type revoker interface {
	Revoke(tenant string, r Revocation) error
	Unrevoke(tenant string, r Revocation) (was bool, err error)
}

// Revoke takes rights back: tokens that it covers are not accepted any more, and connections that live by them are
// closed. It returns how many; when it returns, nothing published later reaches them. A later call for the same user and
// token replaces an earlier one. With an error of StorageFull all this is done, but would not survive a restart.
func (o *operator) Revoke(ctx context.Context, tenant string, r Revocation) (closed int, err error) {
	t, why := o.tenants.known(tenant)
	if why != nil {
		return 0, why
	}
	if r.User == "" && r.TokenID == "" {
		return 0, protocol.Refuse(protocol.Malformed, "a revocation names a user or a token (jti)")
	}
	var kept error
	if o.revoker != nil {
		if kept = o.revoker.Revoke(tenant, r); kept != nil && protocol.AsRefusal(kept).Reason != protocol.StorageFull {
			return 0, kept
		}
	}
	t.revoked.note(r, time.Now())
	o.ledger.forget(t, func(rec *record) bool { return r.Covers(rec.identity) })
	var waits []reply[bool]
	t.links.each(func(l *Link) bool {
		// Each that may live by it is asked itself: its credential may be between its check and our look.
		if id := l.identity.Load(); id == nil || r.User == "" || r.User == id.User {
			answer := newReply[bool]()
			l.box.force(revoke{r, answer})
			waits = append(waits, answer)
		}
		return true
	})
	for _, answer := range waits {
		ended, why := answer.wait(ctx)
		if why != nil && why.Reason == protocol.Busy {
			return closed, why
		}
		if ended {
			closed++
		}
	}
	return closed, kept
}

// Unrevoke takes a revocation back, the one of the same user and token, and reports whether there was one. Connections
// that it closed have to come back by themselves. With an error of StorageFull a restart would bring the revocation back.
func (o *operator) Unrevoke(tenant string, r Revocation) (was bool, err error) {
	t, why := o.tenants.known(tenant)
	if why != nil {
		return false, why
	}
	was = t.revoked.forget(r)
	if o.revoker != nil {
		return o.revoker.Unrevoke(tenant, r)
	}
	return was, nil
}

// revocations are a tenant's newest: they are for connections whose credential was checked before one, and whose
// actor begins after it.
type revocations struct {
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

func (rs *revocations) note(r Revocation, now time.Time) {
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

// forget reports whether there was one of the same target.
func (rs *revocations) forget(r Revocation) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	before := len(rs.noted)
	rs.noted = slices.DeleteFunc(rs.noted, r.sameTarget)
	return len(rs.noted) < before
}

// cover reports whether the identity was revoked a moment ago. A user's token that was issued since is a new right.
func (rs *revocations) cover(id *protocol.Identity, now time.Time) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return slices.ContainsFunc(rs.noted, func(n noted) bool {
		return now.Sub(n.at) <= revocationAge && n.Covers(id) && (n.TokenID != "" || id.Issued.Before(n.at))
	})
}
