package outbox

import (
	"math/bits"
	"sync/atomic"
)

// Histogram counts durations by upper bound: Counts[i] counts those of at most Bounds[i] seconds and above the bound
// before; the last count has no bound. Sum is in seconds.
type Histogram struct {
	Bounds []float64
	Counts []uint64
	Sum    float64
}

// LatencyHistogram counts how long frames waited, with bounds of 2^n x 1,024 ns (1 us to 34 s). It is sharded, so that
// writers do not share a cache line. The zero LatencyHistogram is ready; many goroutines may use it at once.
type LatencyHistogram struct {
	shards [8]struct {
		counts [latencyBuckets + 1]atomic.Uint64
		sum    atomic.Uint64 // nanoseconds
		_      [64]byte
	}
}

// latencyBuckets is how many counts have a bound.
const latencyBuckets = 26

// Observe counts the time from born to now, both in nanoseconds of the Unix clock; a negative one counts as 0.
func (h *LatencyHistogram) Observe(shard uint64, born, now int64) {
	d := uint64(max(now-born, 0))
	s := &h.shards[shard%uint64(len(h.shards))]
	s.counts[min(bits.Len64((max(d, 1)-1)>>10), latencyBuckets)].Add(1)
	s.sum.Add(d)
}

// Snapshot returns the counts of all shards together.
func (h *LatencyHistogram) Snapshot() Histogram {
	all := Histogram{Bounds: make([]float64, latencyBuckets), Counts: make([]uint64, latencyBuckets+1)}
	for i := range all.Bounds {
		all.Bounds[i] = float64(uint64(1)<<(10+i)) / 1e9
	}
	for i := range h.shards {
		for j := range all.Counts {
			all.Counts[j] += h.shards[i].counts[j].Load()
		}
		all.Sum += float64(h.shards[i].sum.Load()) / 1e9
	}
	return all
}
