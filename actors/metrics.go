package actors

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Metrics are a snapshot of everything that a node counts, since it started.
type Metrics struct {
	Tenants map[string]Stats
	// Latency is the time from publish to socket write.
	Latency outbox.Histogram
	// Drops counts what was not delivered or was refused, by reason.
	Drops map[protocol.Reason]uint64
	// Missed counts events that clients missed while they were away and that could not be replayed when they came back, or
	// whose record was given up, by reason. Where nobody knows how many they were, they count as one.
	Missed map[protocol.Reason]uint64
	// Lingering and LingeringBytes are what waits for clients to come back; Restored counts those that did, Faded those that
	// did not in time.
	SuspendedSessions, SuspendedSessionBytes int
	Restored, Faded                          uint64
	// Published and Delivered count events and frames, Duplicates the publishes of an event that was known.
	Published, Duplicates, Delivered uint64
	// Backlog is what waits for all readers, in bytes.
	Backlog int64
	// Restarts counts the panics of actors, by kind (tenant, user, topic, connection).
	Restarts map[string]uint64
	Topics   int
	Pressure health.Pressure
	Storage  Storage
	// Stuck are the actors that are stuck, WereStuck those that ever were, by kind.
	Stuck     map[string]int
	EverStuck map[string]uint64
	// Lifecycles are of the tenants whose backends are told what happens.
	Lifecycles map[string]LifecycleStats
}

// Stats are a tenant's figures since the node started.
type Stats struct {
	DialectStats
	Dialects map[string]DialectStats
	// Suspended says that the tenant is switched off.
	Suspended bool
}

// DialectStats are the figures of one dialect in a tenant.
type DialectStats struct {
	// TotalConnections only grows: a connection that becomes one of another dialect counts in both, and in its tenant once.
	TotalConnections, ActiveConnections, Authenticated uint64
	MessagesReceived, MessagesSent                     uint64
	BytesReceived, BytesSent                           uint64
	// Lifetime is the summed duration of all connections so far, those that live included.
	Lifetime time.Duration
}

func (s *DialectStats) add(t DialectStats) {
	s.TotalConnections += t.TotalConnections
	s.ActiveConnections += t.ActiveConnections
	s.Authenticated += t.Authenticated
	s.MessagesReceived += t.MessagesReceived
	s.MessagesSent += t.MessagesSent
	s.BytesReceived += t.BytesReceived
	s.BytesSent += t.BytesSent
	s.Lifetime += t.Lifetime
}

// Metrics takes a snapshot. It looks at every connection, so it is for a scrape and not for a loop.
func (n *Node) Metrics() Metrics {
	f := Metrics{
		Tenants:    map[string]Stats{},
		Lifecycles: map[string]LifecycleStats{},
		Latency:    n.outboxes.Latency.Snapshot(),
		Backlog:    n.backlog.Bytes(),
		Pressure:   n.watermark.Pressure(),
		Storage:    n.storage(),
		Stuck:      n.watchdog.StuckByKind(),
		EverStuck:  n.watchdog.EverStuckByKind(),
	}
	f.SuspendedSessions, f.SuspendedSessionBytes = n.sessions.Stats()
	n.totals.fill(&f)
	for _, name := range n.Tenants() {
		if t := n.tenant(name); t != nil {
			f.stale(t.backlog.Lost.Load())
			f.Tenants[name] = t.stats()
			f.Topics += t.topicCount()
			if l := t.lifecycle.Load(); l != nil {
				f.Lifecycles[name] = l.stats()
			}
		}
	}
	return f
}

// stale adds frames that gave way to newer ones.
func (f *Metrics) stale(frames uint64) {
	if frames > 0 {
		f.Drops[protocol.Stale] += frames
	}
}

// Stats are the figures of one tenant; of an unknown one they are zero.
func (qs *inspector) Stats(tenant string) Stats {
	if t := qs.tenants.tenant(tenant); t != nil {
		return t.stats()
	}
	return Stats{}
}

func (l *Conn) stats(now time.Time) DialectStats {
	frames, bytes := l.outbox.Sent()
	return DialectStats{
		MessagesReceived: l.inMessages.Load(), BytesReceived: l.inBytes.Load(),
		MessagesSent: frames, BytesSent: bytes,
		Lifetime: max(now.Sub(l.since()), 0),
	}
}

func (t *tenantCore) stats() Stats {
	s := Stats{Dialects: map[string]DialectStats{}, Suspended: t.suspended.Load()}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.placements {
		c.mu.Lock()
		defer c.mu.Unlock()
		d := s.Dialects[c.dialect.Name()]
		d.add(c.past)
		d.TotalConnections += uint64(c.total.Load())
		d.ActiveConnections += uint64(max(c.active.Load(), 0))
		d.Authenticated += uint64(max(c.authenticated.Load(), 0))
		s.Dialects[c.dialect.Name()] = d
	}
	now := time.Now()
	t.links.each(func(l *Conn) bool {
		name := l.dialect().Name()
		d := s.Dialects[name]
		d.add(l.stats(now))
		s.Dialects[name] = d
		return true
	})
	for _, d := range s.Dialects {
		s.add(d)
	}
	s.TotalConnections = uint64(t.total.Load())
	return s
}

// totals are a node's sums.
type totals struct {
	published, duplicates, delivered atomic.Uint64
	restored, faded                  atomic.Uint64

	mu       sync.Mutex // guards these
	drops    map[protocol.Reason]uint64
	missed   map[protocol.Reason]uint64
	restarts map[string]uint64
}

func newTotals() totals {
	return totals{drops: map[protocol.Reason]uint64{}, missed: map[protocol.Reason]uint64{}, restarts: map[string]uint64{}}
}

// dropped counts what was not delivered, or was refused.
func (c *totals) dropped(why protocol.Reason, count int) {
	if count == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops[why] += uint64(count)
}

// miss counts what a client missed while it was away.
func (c *totals) Missed(why protocol.Reason, count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missed[why] += uint64(count)
}

// restarted counts the panic of an actor.
func (c *totals) restarted(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restarts[kind]++
}

// tell writes the sums into figures.
func (c *totals) fill(f *Metrics) {
	f.Published, f.Duplicates, f.Delivered = c.published.Load(), c.duplicates.Load(), c.delivered.Load()
	f.Restored, f.Faded = c.restored.Load(), c.faded.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	f.Drops, f.Missed, f.Restarts = maps.Clone(c.drops), maps.Clone(c.missed), maps.Clone(c.restarts)
}
