package introspection

import "sync/atomic"

// counts only grow.
type counters struct {
	asked, cached, shared, calls, failures, rejected, stale, unavailable atomic.Uint64
}

// Figures are a snapshot of what was counted since the start.
type Stats struct {
	// Asked counts questions; of these Remembered were answered from memory, Shared by the call of another, Stale by an
	// old yes, and Unavailable not at all.
	Asked, Cached, Shared, Stale, Unavailable uint64
	// Calls counts requests to the backend, repeated ones too; of these Failures got no answer.
	Calls, Failures uint64
	// Rejected counts tries that were not made, since the backend was being left alone or too many questions waited.
	Rejected uint64
	// Entries is how many answers are remembered now.
	Entries int
	// Breaker is closed (calls go through), open (the backend is left alone) or half-open (one call may try).
	Breaker string
}

// Figures are the counters, for metrics.
func (c *Client) Stats() Stats {
	n := &c.counters
	f := Stats{
		Asked: n.asked.Load(), Cached: n.cached.Load(), Shared: n.shared.Load(), Stale: n.stale.Load(),
		Unavailable: n.unavailable.Load(),
		Calls:       n.calls.Load(), Failures: n.failures.Load(), Rejected: n.rejected.Load(),
		Breaker: c.breaker.State().String(),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f.Entries = c.cache.len()
	return f
}
