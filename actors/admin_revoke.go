package actors

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/protocol"
)

// revoker is an Authenticator that remembers what was revoked, so that it does not come in again. An error of StorageFull
// says that it does so until the process ends, any other that nothing was done.
type revoker interface {
	Revoke(tenant string, r grant.Revocation) error
	Unrevoke(tenant string, r grant.Revocation) (was bool, err error)
}

// Revoke takes rights back: tokens that it covers are not accepted any more, connections that live by them are closed,
// and so are, on other connections, the subscriptions that were asked for with them. It returns how many connections it
// closed, and how many subscriptions it ended on those that go on; when it returns, nothing published later reaches them.
// A later call for the same user and token replaces an earlier one. With an error of StorageFull all this is done, but
// would not survive a restart.
func (o *admin) Revoke(ctx context.Context, tenant string, r grant.Revocation) (closed, unsubscribed int, err error) {
	t, why := o.tenants.lookup(tenant)
	if why != nil {
		return 0, 0, why
	}
	if r.User == "" && r.TokenID == "" {
		return 0, 0, protocol.Refuse(protocol.Malformed, "a revocation names a user or a token (jti)")
	}
	var kept error
	if o.revoker != nil {
		if kept = o.revoker.Revoke(tenant, r); kept != nil && protocol.AsRefusal(kept).Reason != protocol.StorageFull {
			return 0, 0, kept
		}
	}
	t.revoked.Note(r, time.Now())
	o.node.sessions.Forget(t.name, func(rec *resume.Session) bool { return r.Covers(rec.Identity) })
	closed, unsubscribed, err = t.withdraw(ctx, withdraw{gone: r.Covers}, func(id *protocol.Identity) bool { return r.User == "" || r.User == id.User })
	if err == nil {
		err = kept
	}
	return closed, unsubscribed, err
}

// RetainKeys ends the subscriptions that were asked for with a token of their own whose key does not hold any more, and
// returns how many. From now on it is so for whoever subscribes, until the next call. Connections go on: their own tokens
// were checked when they came, and keys change without dropping a connection. What was signed by no key (Identity.Key is
// zero) is none of it.
func (o *admin) RetainKeys(ctx context.Context, tenant string, holds func(key protocol.KeyFingerprint) bool) (unsubscribed int, err error) {
	t, why := o.tenants.lookup(tenant)
	if why != nil {
		return 0, why
	}
	t.keys.Store(&holds)
	_, unsubscribed, err = t.withdraw(ctx, withdraw{gone: t.keyIsGone, lent: true}, func(*protocol.Identity) bool { return false })
	return unsubscribed, err
}

// Unrevoke takes a revocation back, the one of the same user and token, and reports whether there was one. Connections
// that it closed have to come back by themselves. With an error of StorageFull a restart would bring the revocation back.
func (o *admin) Unrevoke(tenant string, r grant.Revocation) (was bool, err error) {
	t, why := o.tenants.lookup(tenant)
	if why != nil {
		return false, why
	}
	was = t.revoked.Forget(r)
	if o.revoker != nil {
		return o.revoker.Unrevoke(tenant, r)
	}
	return was, nil
}
