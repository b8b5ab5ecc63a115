package info

import (
	"time"

	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
)

// Metrics are a snapshot of everything that a node counts, since it started.
type Metrics struct {
	stats.Sums
	Tenants map[string]stats.Tenant
	// Latency is the time from publish to socket write.
	Latency outbox.Histogram
	// SuspendedSessions and SuspendedSessionBytes are the sessions that wait for their clients now, and their size.
	SuspendedSessions, SuspendedSessionBytes int
	// Backlog is what waits for all readers, and Batched what waits for more (outbox.Batched) instead, in bytes.
	Backlog  int64
	Batched  int64
	Topics   int
	Pressure health.Pressure
	Storage  Storage
	// Stuck counts the actors that are stuck now, EverStuck those that ever were, by kind.
	Stuck     map[string]int
	EverStuck map[string]uint64
	// Lifecycles are the statistics of the tenants whose lifecycle is on, by tenant.
	Lifecycles map[string]stats.Lifecycle
	// Recorder is what the rings of the recorder hold, by name.
	Recorder map[string]recorder.Metrics
}

// Stale adds frames that newer ones replaced.
func (m *Metrics) Stale(frames uint64) {
	if frames > 0 {
		m.Drops[protocol.Stale] += frames
	}
}

// Connection describes a connection: who it is, what it sent and got (messages and bytes), and what waits for it.
type Connection struct {
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

// User describes a user who has connections.
type User struct {
	User        string
	Since       time.Time // of the oldest connection
	Connections []Connection
}

// Topic describes a topic.
type Topic struct {
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
type HistoryEntry = protocol.Past

// Storage is the state of the store of durable topics. The zero value is that of a node without one.
type Storage struct {
	// Open says that the node has a store, even if it only refuses its topics until it is open.
	Open bool
	// Full says that the store refuses publishes since the disk has too little room.
	Full bool
	// Refusal is why durable topics take no publishes now; nil if they take them.
	Refusal *protocol.Refusal
}

// Health is what is wrong with a node, beside what Probe finds.
type Health struct {
	Pressure health.Pressure
	// Stuck are the actors that are stuck, the longest first; at most 16 of them. Each concerns its tenant alone.
	Stuck []health.Stuck
	// Storage concerns durable topics alone.
	Storage Storage
}
