package actors

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
)

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
// it this many; nil admits.
func (p *placement) admits(open, ofDialect int64) *protocol.Refusal {
	t, d, n := p.tenant, p.dialect, p.tenant.node
	if n.Draining() {
		return errDraining
	}
	if t.suspended.Load() {
		return errSuspended
	}
	if t.restarting.Load() {
		return mailbox.ErrBusy
	}
	if err := n.watermark.RefuseConnection(); err != nil {
		n.totals.Dropped(protocol.Busy, 1)
		return err
	}
	most, dialectMost := t.limit.Load(), int64(d.Limits().Connections)
	var err *protocol.Refusal
	switch {
	case most > 0 && open >= most:
		err = protocol.Refuse(protocol.Busy, "the tenant has %d connections, which is its limit (connections)", most)
	case dialectMost > 0 && ofDialect >= dialectMost:
		err = protocol.Refuse(protocol.Busy,
			"there are %d %s connections, which is the limit (connections)", dialectMost, d.Name())
	default:
		return nil
	}
	err.RetryAfter = 10 * time.Second
	n.totals.Dropped(protocol.TooMany, 1)
	return err
}

// take counts one more connection, or says why there is no room for it.
func (p *placement) take() *protocol.Refusal {
	err := p.admits(p.tenant.connections.Add(1)-1, p.active.Add(1)-1)
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
	l.node.admission.enter()
	defer l.node.admission.leave()
	if err := p.take(); err != nil {
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
