package actors

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// ending asks a connection to end. code 0 is what the reason's own is.
func ending(why protocol.Reason, code uint16, reason string) end {
	if code != 0 && reason == "" {
		reason = string(why)
	}
	return end{why: &protocol.Refusal{Reason: why}, code: code, reason: reason}
}

// Disconnect closes one connection, in its dialect's words or with a code. NotFound if there is none.
func (n *Node) Disconnect(tenant, id string, code uint16, reason string) error {
	l, why := n.link(tenant, id)
	if why != nil {
		return why
	}
	l.box.force(ending(protocol.Disconnected, code, reason))
	return nil
}

// DisconnectUser closes all connections of a user and returns how many. NotFound if there are none.
func (n *Node) DisconnectUser(ctx context.Context, tenant, user string, code uint16, reason string) (int, error) {
	t, why := n.known(tenant)
	if why != nil {
		return 0, why
	}
	answer := newReply[int]()
	if !t.users.send(user, part{ending(protocol.Disconnected, code, reason), answer}) {
		return 0, nobody(user)
	}
	count, why := answer.wait(ctx)
	if why != nil {
		return 0, why
	}
	return count, nil
}

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

// revoker is an Authenticator that remembers what was revoked, so that it does not come in again.
type revoker interface {
	Revoke(tenant string, r Revocation)
}

// Revoke takes rights back: tokens that it covers are not accepted any more, and connections that live by them are
// closed. It returns how many; when it returns, nothing published later reaches them.
func (n *Node) Revoke(ctx context.Context, tenant string, r Revocation) (closed int, err error) {
	t, why := n.known(tenant)
	if why != nil {
		return 0, why
	}
	if r.User == "" && r.TokenID == "" {
		return 0, protocol.Refuse(protocol.Malformed, "a revocation names a user or a token (jti)")
	}
	if auth, ok := n.auth.(revoker); ok {
		auth.Revoke(tenant, r)
	}
	var waits []reply[[]string]
	t.links.each(func(l *Link) bool {
		if id := l.identity.Load(); id != nil && r.Covers(id) {
			l.box.force(ending(protocol.Revoked, 0, ""))
			answer := newReply[[]string]()
			l.box.force(inspect{answer}) // is answered when the end was handled
			waits = append(waits, answer)
		}
		return true
	})
	for _, answer := range waits {
		if _, why := answer.wait(ctx); why != nil && why.Reason == protocol.Busy {
			return closed, why
		}
		closed++
	}
	return closed, nil
}

// Draining reports whether the node lets nobody in any more.
func (n *Node) Draining() bool { return n.draining.Load() }

// Drain lets nobody in any more and closes all connections, in their dialects' words, paced and in random order over
// the time that ctx leaves, so that not all clients come to the next server at once. It returns when all are gone, or
// with the context's error and the rest cut off.
func (n *Node) Drain(ctx context.Context) error {
	n.draining.Store(true)
	all := n.everyLink()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	const step = 10 * time.Millisecond
	steps := 1
	if deadline, ok := ctx.Deadline(); ok {
		// The last fifth of the time is for the closing handshakes.
		steps = max(1, int(time.Until(deadline)*4/5/step))
	}
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	for i, from := 1, 0; from < len(all); i++ {
		to := len(all) * min(i, steps) / steps
		for _, l := range all[from:to] {
			l.box.force(ending(protocol.Draining, 0, ""))
		}
		if from = to; from == len(all) {
			break
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return n.cut(ctx.Err())
		}
	}
	for n.open() > 0 {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return n.cut(ctx.Err())
		}
	}
	return nil
}

func (n *Node) cut(err error) error {
	for _, l := range n.everyLink() {
		l.wire.Cut()
	}
	return err
}

func (n *Node) open() (count int64) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for name, t := range n.tenants {
		if name != canaryTenant {
			count += t.connections.Load()
		}
	}
	return count
}

func (n *Node) everyLink() (all []*Link) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for name, t := range n.tenants {
		if name == canaryTenant {
			continue
		}
		t.links.each(func(l *Link) bool { all = append(all, l); return true })
	}
	return all
}

// Close ends everything at once: all connections, actors and the wheel. It returns when they have ended.
func (n *Node) Close() {
	if n.closed.Swap(true) {
		return
	}
	n.draining.Store(true)
	n.cut(nil)
	n.canary.Cut()
	n.mu.RLock()
	for _, t := range n.tenants {
		t.stop()
	}
	n.mu.RUnlock()
	n.actors.Wait()
	n.wheel.close()
	n.system.Shutdown()
}

// stop stops the tenant's own actor, its topics and its users. Connections end by their sockets.
func (t *tenantCore) stop() {
	root := t.node.system.Root
	root.Stop(t.pid)
	for _, d := range []*directory{t.topics, t.users} {
		d.each(func(_ string, e entry) bool {
			root.Stop(e.pid)
			return true
		})
	}
}
