package introspection

import "sync/atomic"

// counters only grow.
type counters struct {
	asked, cached, shared, calls, failures, rejected, stale, unavailable atomic.Uint64
}

// Stats is a snapshot of what was counted since the start.
type Stats struct {
	// Asked counts questions. Of these, Cached were answered from the cache, Shared by another caller's call, Stale by
	// an expired yes, and Unavailable not at all.
	Asked, Cached, Shared, Stale, Unavailable uint64
	// Calls counts requests to the backend, including repeated ones; of these, Failures got no answer.
	Calls, Failures uint64
	// Rejected counts tries that were not made, because the circuit breaker was open or too many questions waited.
	Rejected uint64
	// Entries is how many answers are cached now.
	Entries int
	// Breaker is closed (calls go through), open (no calls are made) or half-open (one call may try).
	Breaker string
}
