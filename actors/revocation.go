package actors

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Revocation takes rights back: of a user, of one token, of all tokens of a key, or of those issued before a time. What
// is given must all hold.
type Revocation struct {
	User, TokenID, Key string
	Before             time.Time
}

// Covers reports whether the revocation takes the identity's rights.
func (r Revocation) Covers(id *protocol.Identity) bool {
	return r.named() &&
		(r.User == "" || r.User == id.User) && (r.TokenID == "" || r.TokenID == id.TokenID) && (r.Key == "" || r.Key == id.Key) &&
		(r.Before.IsZero() || id.Issued.Before(r.Before))
}

// named reports whether it says whose rights it takes.
func (r Revocation) named() bool { return r.User != "" || r.TokenID != "" || r.Key != "" }

// revoked is what a revocation ended on one connection: itself, or some of its subscriptions.
type revoked struct {
	connection    bool
	subscriptions int
}

// revoker is an Authenticator that remembers what was revoked, so that it does not come in again.
type revoker interface {
	Revoke(tenant string, r Revocation)
}

// Revoke takes rights back: tokens that it covers are not accepted any more, connections that live by them are closed,
// and so are, on other connections, the subscriptions that were asked for with them. It returns how many connections it
// closed, and how many subscriptions it ended on those that go on; when it returns, nothing published later reaches them.
// A key that is removed is not accepted anyway: the Authenticator is told of users and tokens.
func (o *operator) Revoke(ctx context.Context, tenant string, r Revocation) (closed, unsubscribed int, err error) {
	t, why := o.tenants.known(tenant)
	if why != nil {
		return 0, 0, why
	}
	if !r.named() {
		return 0, 0, protocol.Refuse(protocol.Malformed, "a revocation names a user, a token (jti) or a key")
	}
	if o.revoker != nil && r.Key == "" {
		o.revoker.Revoke(tenant, r)
	}
	t.revoked.note(r, time.Now())
	o.ledger.forget(t, func(rec *record) bool { return r.Covers(rec.identity) })
	var waits []reply[revoked]
	t.links.each(func(l *Link) bool {
		// Each that may live by it is asked itself: its credential may be between its check and our look.
		if id := l.identity.Load(); id == nil || r.User == "" || r.User == id.User || l.lent.Load() {
			answer := newReply[revoked]()
			l.box.force(revoke{r, answer})
			waits = append(waits, answer)
		}
		return true
	})
	for _, answer := range waits {
		ended, why := answer.wait(ctx)
		if why != nil && why.Reason == protocol.Busy {
			return closed, unsubscribed, why
		}
		if ended.connection {
			closed++
		}
		unsubscribed += ended.subscriptions
	}
	return closed, unsubscribed, nil
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
	old := 0
	for old < len(rs.noted) && (now.Sub(rs.noted[old].at) > revocationAge || len(rs.noted)-old >= maxRevocations) {
		old++
	}
	rs.noted = append(slices.Delete(rs.noted, 0, old), noted{r, now})
}

// cover reports whether the identity was revoked a moment ago. A user's token that was issued since is a new right.
func (rs *revocations) cover(id *protocol.Identity, now time.Time) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return slices.ContainsFunc(rs.noted, func(n noted) bool {
		return now.Sub(n.at) <= revocationAge && n.Covers(id) && (n.TokenID != "" || n.Key != "" || id.Issued.Before(n.at))
	})
}
