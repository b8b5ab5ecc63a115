package stats

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/parley-realtime/parley/protocol"
)

// Totals count what happens in a node. Sums says what the counters are.
type Totals struct {
	Published, Duplicates, Delivered atomic.Uint64
	Restored, Faded                  atomic.Uint64

	mu       sync.Mutex // guards what follows
	drops    map[protocol.Reason]uint64
	missed   map[protocol.Reason]uint64
	restarts map[string]uint64
}

// Sums are a snapshot of Totals.
type Sums struct {
	// Drops counts events that were not delivered and requests that were refused, by reason.
	Drops map[protocol.Reason]uint64
	// Missed counts events that clients missed while they were away, and that could not be replayed when they came back
	// or whose session was given up, by reason. Where their number is not known, they count as one.
	Missed map[protocol.Reason]uint64
	// Restored counts the clients that came back to their suspended sessions, Faded those that did not in time.
	Restored, Faded uint64
	// Published counts events, Delivered frames, Duplicates publishes of an event that was known.
	Published, Duplicates, Delivered uint64
	// Restarts counts the panics of actors, by kind (tenant, user, topic, connection, lifecycle).
	Restarts map[string]uint64
}

// NewTotals begin at zero.
func NewTotals() *Totals {
	return &Totals{
		drops: map[protocol.Reason]uint64{}, missed: map[protocol.Reason]uint64{}, restarts: map[string]uint64{},
	}
}

// Dropped counts events that were not delivered, or a request that was refused.
func (t *Totals) Dropped(reason protocol.Reason, count int) {
	if count == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drops[reason] += uint64(count)
}

// Missed counts events that a client missed while it was away.
func (t *Totals) Missed(reason protocol.Reason, count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.missed[reason] += uint64(count)
}

// Restarted counts the panic of an actor.
func (t *Totals) Restarted(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.restarts[kind]++
}

// Snapshot takes one.
func (t *Totals) Snapshot() Sums {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Sums{
		Published: t.Published.Load(), Duplicates: t.Duplicates.Load(), Delivered: t.Delivered.Load(),
		Restored: t.Restored.Load(), Faded: t.Faded.Load(),
		Drops: maps.Clone(t.drops), Missed: maps.Clone(t.missed), Restarts: maps.Clone(t.restarts),
	}
}
