package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Figures are a snapshot of everything that a node counts, since it started.
type Figures struct {
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
	Lingering, LingeringBytes int
	Restored, Faded           uint64
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
	WereStuck map[string]uint64
	// Lifecycles are of the tenants whose backends are told what happens.
	Lifecycles map[string]LifecycleFigures
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

// Figures takes a snapshot. It looks at every connection, so it is for a scrape and not for a loop.
func (n *Node) Figures() Figures {
	f := Figures{
		Tenants:    map[string]Stats{},
		Lifecycles: map[string]LifecycleFigures{},
		Latency:    n.outboxes.Latency.Snapshot(),
		Backlog:    n.backlog.Bytes(),
		Pressure:   n.watermark.Pressure(),
		Storage:    n.storage(),
		Stuck:      n.watchdog.StuckByKind(),
		WereStuck:  n.watchdog.EverStuckByKind(),
	}
	f.Lingering, f.LingeringBytes = n.sessions.Stats()
	n.counters.tell(&f)
	for _, name := range n.Tenants() {
		if t := n.tenant(name); t != nil {
			f.stale(t.backlog.Lost.Load())
			f.Tenants[name] = t.stats()
			f.Topics += t.topicCount()
			if l := t.life.Load(); l != nil {
				f.Lifecycles[name] = l.figures()
			}
		}
	}
	return f
}

// stale adds frames that gave way to newer ones.
func (f *Figures) stale(frames uint64) {
	if frames > 0 {
		f.Drops[protocol.Stale] += frames
	}
}

// Stats are the figures of one tenant; of an unknown one they are zero.
func (qs *queries) Stats(tenant string) Stats {
	if t := qs.tenants.tenant(tenant); t != nil {
		return t.stats()
	}
	return Stats{}
}

func (l *Link) figures(now time.Time) DialectStats {
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
	for _, c := range t.dialects {
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
	t.links.each(func(l *Link) bool {
		name := l.dialect().Name()
		d := s.Dialects[name]
		d.add(l.figures(now))
		s.Dialects[name] = d
		return true
	})
	for _, d := range s.Dialects {
		s.add(d)
	}
	s.TotalConnections = uint64(t.total.Load())
	return s
}
