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

// stale adds frames that gave way to newer ones.
func (f *Metrics) stale(frames uint64) {
	if frames > 0 {
		f.Drops[protocol.Stale] += frames
	}
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
func (c *totals) dropped(reason protocol.Reason, count int) {
	if count == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops[reason] += uint64(count)
}

// miss counts what a client missed while it was away.
func (c *totals) Missed(reason protocol.Reason, count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missed[reason] += uint64(count)
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

// LifecycleFigures count what a tenant's backend was told of its connections and users, since it was switched on.
type LifecycleStats struct {
	Emitted uint64
	// Lost counts by where: in the mailbox, which was full; in the topic, which refused them; in a failure.
	Lost map[string]uint64
}

// ConnectionInfo is what can be told of a connection.
type ConnectionInfo struct {
	ID, Tenant, User, Dialect, Remote string
	Since                             time.Time
	InMessages, InBytes               uint64
	OutMessages, OutBytes             uint64
	QueuedFrames, QueuedBytes         int
	// Subscriptions are the topics, sorted.
	Subscriptions []string
	// Restored are the subscriptions that it took over from a connection of its client that had broken, Replayed and Missed
	// the events from between that it got and did not get.
	Restored, Replayed, Missed int
}

// UserInfo is a user with connections.
type UserInfo struct {
	User        string
	Since       time.Time // of the oldest connection
	Connections []ConnectionInfo
}

// TopicInfo is what can be told of a topic.
type TopicInfo struct {
	Name        string
	Subscribers int
	Position    protocol.Position
	History     int // events remembered
}

// HistoryPage is a piece of a topic's history.
type HistoryPage struct {
	// Position is the newest the topic has.
	Position protocol.Position
	Events   []HistoryEntry
}

// Remembered is one event in a history.
type HistoryEntry struct {
	Offset uint64
	Event  *protocol.Event
}

// Storage is how the store of durable topics is. The zero value is that of a node without one.
type Storage struct {
	// Open says that there is one, if only for its topics to be refused until it is open.
	Open bool
	// Full says that publishes are refused since the disk has too little room.
	Full bool
	// Refusal is why durable topics take no publishes now; nil if they do.
	Refusal *protocol.Refusal
}
