package series

import (
	"sync"
	"time"
)

const (
	seconds = 15 * 60
	minutes = 24 * 60
)

// Figure is one of the figures of a Sample.
type Figure int

// The figures. Rates are per second over the time since the sample before.
const (
	Connections Figure = iota
	Published          // events per second
	Delivered          // frames per second
	P50                // of the time from publish to socket write, in milliseconds
	P99
	Queued  // bytes that wait for readers
	Dropped // per second
	Missed  // per second
	Memory  // bytes in use
	figures
)

// Names are the figures' names, in their order.
var Names = [figures]string{"connections", "published", "delivered", "p50", "p99", "queued", "dropped", "missed",
	"memory"}

// Sample are the figures of one moment.
type Sample [figures]float32

// Counters are what a node has counted so far, and what it has now.
type Counters struct {
	Connections, Queued, Memory           float64
	Published, Delivered, Dropped, Missed uint64
	// Bounds are the upper bounds of Latency, in seconds. Latency counts by bound; its last count has none.
	Bounds  []float64
	Latency []uint64
}

// Recorder keeps samples. The zero Recorder is not ready; use New.
type Recorder struct {
	mu           sync.Mutex // guards the fields below
	fine, coarse ring
	last         mark // the counters of the sample before
	minute       mark // those with which the minute began
}

// mark are counters and when they were.
type mark struct {
	at       time.Time
	counters Counters
}

// New makes an empty Recorder.
func New() *Recorder { return &Recorder{fine: newRing(seconds), coarse: newRing(minutes)} }

// Record adds a sample. A time that is not after the one before adds none.
func (r *Recorder) Record(at time.Time, now Counters) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last.at.IsZero() {
		r.last, r.minute = mark{at, now}, mark{at, now}
		return
	}
	if !at.After(r.last.at) {
		return
	}
	r.fine.add(at.Unix(), sample(r.last, at, &now))
	r.last = mark{at, now}
	if at.Sub(r.minute.at) >= time.Minute {
		r.coarse.add(at.Unix(), sample(r.minute, at, &now))
		r.minute = r.last
	}
}

// Latest is the newest sample, and when it was; the time is zero if there is none.
func (r *Recorder) Latest() (at time.Time, s Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fine.each(func(unix int64, each *Sample) { at, s = time.Unix(unix, 0), *each })
	return at, s
}

// Range is which samples to read.
type Range int

const (
	// Seconds are those of the last 15 minutes, Minutes those of the last 24 hours.
	Seconds Range = iota
	Minutes
)

// Columns are the samples of a range, oldest first: their times in Unix seconds, and for each figure its values.
func (r *Recorder) Columns(which Range) (times []int64, columns [figures][]float32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := &r.fine
	if which == Minutes {
		from = &r.coarse
	}
	times = make([]int64, 0, from.count)
	for i := range columns {
		columns[i] = make([]float32, 0, from.count)
	}
	from.each(func(at int64, s *Sample) {
		times = append(times, at)
		for i, value := range s {
			columns[i] = append(columns[i], value)
		}
	})
	return times, columns
}

// sample makes a sample of the counters of two moments.
func sample(before mark, at time.Time, now *Counters) (s Sample) {
	was, elapsed := &before.counters, at.Sub(before.at).Seconds()
	rate := func(from, to uint64) float32 { return float32(float64(to-min(from, to)) / elapsed) }
	s[Connections], s[Queued], s[Memory] = float32(now.Connections), float32(now.Queued), float32(now.Memory)
	s[Published], s[Delivered] = rate(was.Published, now.Published), rate(was.Delivered, now.Delivered)
	s[Dropped], s[Missed] = rate(was.Dropped, now.Dropped), rate(was.Missed, now.Missed)
	s[P50] = float32(1000 * quantile(0.5, now.Bounds, was.Latency, now.Latency))
	s[P99] = float32(1000 * quantile(0.99, now.Bounds, was.Latency, now.Latency))
	return s
}

// quantile is what so large a part of the values between two counts stays below, in the unit of the bounds; 0 if there
// are none. Within a bucket it is linear, as Prometheus' histogram_quantile is.
func quantile(q float64, bounds []float64, was, now []uint64) float64 {
	var total uint64
	for i := range now {
		total += since(was, now, i)
	}
	rank, below := q*float64(total), 0.0
	for i, bound := range bounds {
		in := float64(since(was, now, i))
		if in > 0 && below+in >= rank {
			lower := 0.0
			if i > 0 {
				lower = bounds[i-1]
			}
			return lower + (bound-lower)*(rank-below)/in
		}
		below += in
	}
	if total == 0 || len(bounds) == 0 {
		return 0
	}
	return bounds[len(bounds)-1]
}

// since is how much a count grew; was may be shorter.
func since(was, now []uint64, i int) uint64 {
	if i >= len(was) {
		return now[i]
	}
	return now[i] - min(was[i], now[i])
}
