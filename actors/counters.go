package actors

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/parley-realtime/parley/protocol"
)

// counters are a node's sums.
type counters struct {
	published, duplicates, delivered atomic.Uint64
	restored, faded                  atomic.Uint64

	mu       sync.Mutex // guards these
	drops    map[protocol.Reason]uint64
	missed   map[protocol.Reason]uint64
	restarts map[string]uint64
}

func newCounters() counters {
	return counters{drops: map[protocol.Reason]uint64{}, missed: map[protocol.Reason]uint64{}, restarts: map[string]uint64{}}
}

// dropped counts what was not delivered, or was refused.
func (c *counters) dropped(why protocol.Reason, count int) {
	if count == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops[why] += uint64(count)
}

// miss counts what a client missed while it was away.
func (c *counters) Missed(why protocol.Reason, count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missed[why] += uint64(count)
}

// restarted counts the panic of an actor.
func (c *counters) restarted(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restarts[kind]++
}

// tell writes the sums into figures.
func (c *counters) tell(f *Figures) {
	f.Published, f.Duplicates, f.Delivered = c.published.Load(), c.duplicates.Load(), c.delivered.Load()
	f.Restored, f.Faded = c.restored.Load(), c.faded.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	f.Drops, f.Missed, f.Restarts = maps.Clone(c.drops), maps.Clone(c.missed), maps.Clone(c.restarts)
}
