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
	// Drops counts events that were not delivered and requests that were refused, by reason.
	Drops map[protocol.Reason]uint64
	// Missed counts events that clients missed while they were away, and that could not be replayed when they came back
	// or whose session was given up, by reason. Where their number is not known, they count as one.
	Missed map[protocol.Reason]uint64
	// SuspendedSessions and SuspendedSessionBytes are the sessions that wait for their clients now, and their size;
	// Restored counts the clients that came back to theirs, Faded those that did not in time.
	SuspendedSessions, SuspendedSessionBytes int
	Restored, Faded                          uint64
	// Published counts events, Delivered frames, Duplicates publishes of an event that was known.
	Published, Duplicates, Delivered uint64
	// Backlog is what waits for all readers, in bytes.
	Backlog int64
	// Restarts counts the panics of actors, by kind (tenant, user, topic, connection, lifecycle).
	Restarts map[string]uint64
	Topics   int
	Pressure health.Pressure
	Storage  Storage
	// Stuck counts the actors that are stuck now, EverStuck those that ever were, by kind.
	Stuck     map[string]int
	EverStuck map[string]uint64
	// Lifecycles are the statistics of the tenants whose lifecycle is on, by tenant.
	Lifecycles map[string]LifecycleStats
}

// Stats are a tenant's statistics since the node started: the sums, and those of each dialect by name.
type Stats struct {
	DialectStats
	Dialects map[string]DialectStats
	// Suspended says that the tenant is switched off.
	Suspended bool
}

// DialectStats are the statistics of one dialect in a tenant.
type DialectStats struct {
	// TotalConnections only grows: a connection that switches its dialect counts in both, and once in its tenant.
	TotalConnections, ActiveConnections, Authenticated uint64
	MessagesReceived, MessagesSent                     uint64
	BytesReceived, BytesSent                           uint64
	// Lifetime is the summed duration of all connections so far, including those that are open.
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

// stale adds frames that newer ones replaced.
func (m *Metrics) stale(frames uint64) {
	if frames > 0 {
		m.Drops[protocol.Stale] += frames
	}
}

// totals are the node's sums.
type totals struct {
	published, duplicates, delivered atomic.Uint64
	restored, faded                  atomic.Uint64

	mu       sync.Mutex // guards what follows
	drops    map[protocol.Reason]uint64
	missed   map[protocol.Reason]uint64
	restarts map[string]uint64
}

func newTotals() totals {
	return totals{
		drops: map[protocol.Reason]uint64{}, missed: map[protocol.Reason]uint64{}, restarts: map[string]uint64{},
	}
}

// dropped counts events that were not delivered, or a request that was refused.
func (t *totals) dropped(reason protocol.Reason, count int) {
	if count == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drops[reason] += uint64(count)
}

// Missed counts events that a client missed while it was away.
func (t *totals) Missed(reason protocol.Reason, count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.missed[reason] += uint64(count)
}

// restarted counts the panic of an actor.
func (t *totals) restarted(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.restarts[kind]++
}

// fill writes the sums into f.
func (t *totals) fill(f *Metrics) {
	f.Published, f.Duplicates, f.Delivered = t.published.Load(), t.duplicates.Load(), t.delivered.Load()
	f.Restored, f.Faded = t.restored.Load(), t.faded.Load()
	t.mu.Lock()
	defer t.mu.Unlock()
	f.Drops, f.Missed, f.Restarts = maps.Clone(t.drops), maps.Clone(t.missed), maps.Clone(t.restarts)
}

// LifecycleStats count a tenant's lifecycle events since its lifecycle was switched on.
type LifecycleStats struct {
	Emitted uint64
	// Lost counts the lost ones by where: "mailbox", which was full; "topic", which refused them; "failure", a panic.
	Lost map[string]uint64
}

// ConnectionInfo describes a connection: who it is, what it sent and got (messages and bytes), and what waits for it.
type ConnectionInfo struct {
	ID, Tenant, User, Dialect, Remote string
	Since                             time.Time
	InMessages, InBytes               uint64
	OutMessages, OutBytes             uint64
	QueuedFrames, QueuedBytes         int
	// Subscriptions are the topics that its client subscribed to, sorted.
	Subscriptions []string
	// Restored is how many subscriptions it took over from a broken connection of its client; Replayed and Missed are
	// how many of the events from between it got and did not get.
	Restored, Replayed, Missed int
}

// UserInfo describes a user who has connections.
type UserInfo struct {
	User        string
	Since       time.Time // of the oldest connection
	Connections []ConnectionInfo
}

// TopicInfo describes a topic.
type TopicInfo struct {
	Name        string
	Subscribers int
	Position    protocol.Position
	History     int // how many events it remembers
}

// HistoryPage is a piece of a topic's history, oldest event first.
type HistoryPage struct {
	// Position is that of the topic's newest event.
	Position protocol.Position
	Events   []HistoryEntry
}

// HistoryEntry is one event in a history, with its offset.
type HistoryEntry struct {
	Offset uint64
	Event  *protocol.Event
}

// Storage is the state of the store of durable topics. The zero value is that of a node without one.
type Storage struct {
	// Open says that the node has a store, even if it only refuses its topics until it is open.
	Open bool
	// Full says that the store refuses publishes since the disk has too little room.
	Full bool
	// Refusal is why durable topics take no publishes now; nil if they take them.
	Refusal *protocol.Refusal
}
