package load

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// recorder counts durations, from a microsecond to a minute, to three digits. It may be used by many goroutines.
type recorder struct{ shards [16]shard }

type shard struct {
	mu   sync.Mutex
	hist *hdrhistogram.Histogram
	_    [64]byte // of another cache line
}

func newRecorder() *recorder {
	r := &recorder{}
	for i := range r.shards {
		r.shards[i].hist = newHistogram()
	}
	return r
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, time.Minute.Microseconds(), 3)
}

// add counts a duration; one of more than a minute counts as a minute. by spreads those who count at the same time.
func (r *recorder) add(by int, d time.Duration) {
	s := &r.shards[by%len(r.shards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.hist.RecordValue(min(max(d.Microseconds(), 1), time.Minute.Microseconds()))
}

// Latencies are quantiles of durations, in milliseconds.
type Latencies struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p999_ms"`
	Max   float64 `json:"max_ms"`
}

func (r *recorder) latencies() Latencies {
	all := newHistogram()
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		all.Merge(s.hist)
		s.mu.Unlock()
	}
	at := func(percent float64) float64 { return float64(all.ValueAtQuantile(percent)) / 1000 }
	return Latencies{Count: all.TotalCount(), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9),
		Max: float64(all.Max()) / 1000}
}
