package actors

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/protocol"
)

// revoker is an Authenticator that remembers revocations, so that it does not accept the revoked tokens again. An error
// of StorageFull says that it remembers this one only until the process ends; any other error says that it did nothing.
type revoker interface {
	Revoke(tenant string, r grant.Revocation) error
	Unrevoke(tenant string, r grant.Revocation) (was bool, err error)
}

// Revoke takes rights back. The authenticator accepts the tokens that r covers no more; connections that authenticated
// with them are closed; and on other connections, the subscriptions made with them end. Revoke returns how many
// connections it closed, and how many subscriptions it ended on the connections that go on. It waits for these
// connections: when it returns, no event that is published later reaches them. A later call for the same user and token
// replaces an earlier one.
//
// Errors are protocol.Refusals: NotFound (tenant), Malformed (r names neither a user nor a token), Busy (ctx ended
// first), and StorageFull, with which all of this is done but does not survive a restart.
func (a *admin) Revoke(ctx context.Context, tenant string, r grant.Revocation) (closed, unsubscribed int, err error) {
	t, refusal := a.tenants.lookup(tenant)
	if refusal != nil {
		return 0, 0, refusal
	}
	if r.User == "" && r.TokenID == "" {
		return 0, 0, protocol.Refuse(protocol.Malformed, "a revocation names a user or a token (jti)")
	}
	var kept error
	if a.revoker != nil {
		if kept = a.revoker.Revoke(tenant, r); kept != nil && protocol.AsRefusal(kept).Reason != protocol.StorageFull {
			return 0, 0, kept
		}
	}
	t.revoked.Note(r, time.Now())
	a.node.sessions.Forget(t.name, func(rec *resume.Session) bool { return r.Covers(rec.Identity) })
	closed, unsubscribed, err = t.withdraw(ctx, withdraw{gone: r.Covers}, func(id *protocol.Identity) bool {
		return r.User == "" || r.User == id.User
	})
	if err == nil {
		err = kept
	}
	return closed, unsubscribed, err
}

// RetainKeys ends the subscriptions that were made with a token of their own whose signing key is not valid any more,
// and returns how many. The same holds for later subscriptions, until the next call. Connections go on: their own
// tokens were checked when they came, and keys change without dropping a connection. Identities that no key signed
// (Identity.Key is zero) are not concerned. It waits for the connections. Errors are protocol.Refusals: NotFound
// (tenant), Busy (ctx ended first).
func (a *admin) RetainKeys(
	ctx context.Context, tenant string, holds func(key protocol.KeyFingerprint) bool,
) (unsubscribed int, err error) {
	t, refusal := a.tenants.lookup(tenant)
	if refusal != nil {
		return 0, refusal
	}
	t.keys.Store(&holds)
	none := func(*protocol.Identity) bool { return false }
	_, unsubscribed, err = t.withdraw(ctx, withdraw{gone: t.keyIsGone, borrowed: true}, none)
	return unsubscribed, err
}

// Unrevoke removes the revocation of the same user and token, and reports whether there was one. Clients whose
// connections it closed have to connect again. NotFound if there is no such tenant. With an error of StorageFull a
// restart would bring the revocation back.
func (a *admin) Unrevoke(tenant string, r grant.Revocation) (was bool, err error) {
	t, refusal := a.tenants.lookup(tenant)
	if refusal != nil {
		return false, refusal
	}
	was = t.revoked.Forget(r)
	if a.revoker != nil {
		return a.revoker.Unrevoke(tenant, r)
	}
	return was, nil
}
