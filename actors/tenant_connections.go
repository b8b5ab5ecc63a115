package actors

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

func (t *tenantCore) stats() stats.Tenant {
	s := stats.Tenant{Dialects: map[string]stats.Connections{}, Suspended: t.suspended.Load()}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.placements {
		c.mu.Lock()
		defer c.mu.Unlock()
		d := s.Dialects[c.dialect.Name()]
		d.Add(c.past)
		d.TotalConnections += uint64(c.total.Load())
		d.ActiveConnections += uint64(max(c.active.Load(), 0))
		d.Authenticated += uint64(max(c.authenticated.Load(), 0))
		s.Dialects[c.dialect.Name()] = d
	}
	now := time.Now()
	for _, l := range t.links.All() {
		name := l.dialect().Name()
		d := s.Dialects[name]
		d.Add(l.stats(now))
		s.Dialects[name] = d
	}
	for _, d := range s.Dialects {
		s.Add(d)
	}
	s.TotalConnections = uint64(t.total.Load())
	return s
}

// counting is where the bytes that wait for a connection of the tenant count; nil for a tenant of the engine's own.
func (t *tenantCore) counting() *outbox.Backpressure {
	if isInternal(t.name) {
		return nil
	}
	return t.backlog
}

func (t *tenantCore) conns() (all []*Conn) {
	for _, l := range t.links.All() {
		all = append(all, l)
	}
	return all
}

// stopAll stops the tenant's topics and users. The tenant's actor calls it as its last act, when it makes no more of
// them. Connections end by their sockets.
func (t *tenantCore) stopAll() {
	for _, d := range []*mailbox.Registry{t.topics, t.users} {
		d.Each(func(_ string, box *mailbox.Mailbox) bool {
			t.node.system.Stop(box)
			return true
		})
	}
}

// flush waits until the lifecycle events of the users and connections so far are in the topic and with the sink; Busy
// if ctx ends before.
func (t *tenantCore) flush(ctx context.Context) *protocol.Refusal {
	var users []mailbox.Reply[[]*Conn]
	t.users.Each(func(_ string, box *mailbox.Mailbox) bool {
		answer := mailbox.NewReply[[]*Conn]()
		box.SendUnbounded(listConns{answer}) // the answer comes after the lifecycle events that the user has to emit
		users = append(users, answer)
		return true
	})
	for _, answer := range users {
		if _, err := answer.Wait(ctx); err != nil && err.Reason == protocol.Busy {
			return err
		}
	}
	if l := t.lifecycle.Load(); l != nil {
		return l.Flush(ctx)
	}
	return nil
}

// keyIsGone reports whether the key that signed an identity is not valid any more.
func (t *tenantCore) keyIsGone(id *protocol.Identity) bool {
	holds := t.keys.Load()
	return holds != nil && id.Key != protocol.KeyFingerprint{} && !(*holds)(id.Key)
}

// withdraw has connections end what stands on grants that are gone, and waits for them; the error is Busy if ctx ends
// first. may says whether a connection of that identity could have such a grant by now: each that could is asked, since
// its credential may be between its check and our check.
func (t *tenantCore) withdraw(
	ctx context.Context, order withdraw, may func(*protocol.Identity) bool,
) (closed, unsubscribed int, err error) {
	var waits []mailbox.Reply[withdrawn]
	for _, l := range t.links.All() {
		if id := l.identity.Load(); id == nil || l.flags.has(hasBorrowed) || may(id) {
			order.Reply = mailbox.NewReply[withdrawn]()
			l.box.SendUnbounded(order)
			waits = append(waits, order.Reply)
		}
	}
	for _, answer := range waits {
		ended, err := answer.Wait(ctx)
		if err != nil && err.Reason == protocol.Busy {
			return closed, unsubscribed, err
		}
		if ended.connection {
			closed++
		}
		unsubscribed += ended.subscriptions
	}
	return closed, unsubscribed, nil
}

// placement returns the tenant's placement for a dialect.
func (t *tenantCore) placement(d protocol.Dialect) *placement {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.placements[d] == nil {
		t.placements[d] = &placement{tenant: t, dialect: d}
	}
	return t.placements[d]
}

// placement counts the connections of one dialect in a tenant, and admits them.
type placement struct {
	// Static.
	tenant  *tenantCore
	dialect protocol.Dialect

	total, active, authenticated atomic.Int64

	mu   sync.Mutex
	past stats.Connections // sums over the connections that have ended
}

// admits says whether there is room for one more connection, when the tenant has this many open ones and the dialect in
// it this many; nil admits. If asked is not nil a refusal does not count.
func (p *placement) admits(open, ofDialect int64, asked *decision.Record) *protocol.Refusal {
	t, n := p.tenant, p.tenant.node
	switch {
	case !asked.Step(decision.Draining, !n.Draining()):
		return errDraining
	case !asked.Step(decision.Suspended, !t.suspended.Load()):
		return errSuspended
	case !asked.Step(decision.Restarting, !t.restarting.Load()):
		return mailbox.ErrBusy
	}
	if err := n.watermark.RefuseConnection(asked); err != nil {
		n.dropped(protocol.Busy, asked)
		return err
	}
	err := limit.AdmitConnection(p.dialect, open, t.limit.Load(), ofDialect, asked)
	if err != nil {
		n.dropped(protocol.TooMany, asked)
	}
	return err
}

// take counts one more connection, or says why there is no room for it. from is where it counts already; nil is
// nowhere.
func (p *placement) take(from *placement) *protocol.Refusal {
	open, ofDialect := p.tenant.connections.Add(1)-1, p.active.Add(1)-1
	if from != nil && from.tenant == p.tenant {
		open--
	}
	err := p.admits(open, ofDialect, nil)
	if err != nil {
		p.undo()
		return err
	}
	p.total.Add(1)
	p.tenant.node.backlog.AddReaders(1)
	return nil
}

// adopt moves a connection here from its former placement; from now on it counts here.
func (p *placement) adopt(l *Conn) *protocol.Refusal {
	from := l.post.Load()
	if p == from {
		return nil
	}
	l.node.admission.Enter()
	defer l.node.admission.Leave()
	if err := p.take(from); err != nil {
		return err
	}
	from.tenant.links.Delete(l.number())
	from.free()
	switch {
	case p.tenant != from.tenant:
		p.tenant.total.Add(1)
	case p.dialect.Name() == from.dialect.Name(): // one and the same in the metrics
		from.total.Add(-1)
	}
	l.post.Store(p)
	l.outbox.SetBackpressure(p.tenant.counting())
	p.tenant.links.Set(l.number(), l)
	return nil
}

// left moves a connection that has ended from its tenant to the past. Both are one step for stats: otherwise sums would
// fall back.
func (p *placement) left(l *Conn) {
	p.mu.Lock()
	p.past.Add(l.stats(time.Now()))
	l.tenant().links.Delete(l.number())
	p.mu.Unlock()
	p.free()
}

// free takes a connection off the counts of open ones.
func (p *placement) free() {
	p.tenant.node.backlog.AddReaders(-1)
	p.undo()
}

func (p *placement) undo() {
	p.tenant.connections.Add(-1)
	p.active.Add(-1)
}

// admitLogin says whether a connection that is placed here may be of an identity from now on; nil admits. If asked is
// not nil it counts nothing.
func (p *placement) admitLogin(id *protocol.Identity, now time.Time, asked *decision.Record) *protocol.Refusal {
	t := p.tenant
	if !asked.Step(decision.TokenTenant, !isInternal(t.name) || t.name == canaryTenant) {
		return protocol.Refuse(protocol.Forbidden, "the token is of no tenant that is served here")
	}
	if id.User == "" {
		return nil
	}
	err := t.limits.AdmitUser(p.dialect, id.User, now, asked)
	if err != nil {
		t.node.dropped(err.Reason, asked)
	}
	return err
}
