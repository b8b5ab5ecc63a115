package series

import (
	"math"
	"slices"
	"testing"
	"time"
	"unsafe"
)

var start = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)

func TestRecorder_MakesRatesAndPercentilesOfCounters(t *testing.T) {
	r := New()
	bounds := []float64{0.001, 0.002, 0.004}
	r.Record(start, Counters{Published: 100, Delivered: 1000, Bounds: bounds, Latency: []uint64{50, 0, 0, 0}})
	if at, _ := r.Latest(); !at.IsZero() {
		t.Errorf("one moment makes no sample, but there is one of %s", at)
	}
	r.Record(start.Add(2*time.Second), Counters{Connections: 7, Queued: 9, Memory: 3, Published: 120, Delivered: 1400,
		Dropped: 4, Missed: 2, Bounds: bounds, Latency: []uint64{50, 100, 0, 0}})
	at, got := r.Latest()
	want := Sample{Connections: 7, Published: 10, Delivered: 200, P50: 1.5, P99: 1.99, Queued: 9, Dropped: 2, Missed: 1,
		Memory: 3}
	if got != want || !at.Equal(start.Add(2*time.Second)) {
		t.Errorf("at %s %v, want %v", at, got, want)
	}
}

func TestRecorder_KeepsQuarterOfAnHourBySecondsAndADayByMinutes(t *testing.T) {
	r := New()
	const hours = 25
	for i := range hours*3600 + 1 {
		r.Record(start.Add(time.Duration(i)*time.Second), Counters{Published: uint64(i)})
	}
	for which, want := range map[Range]struct {
		count int
		step  int64
	}{Seconds: {900, 1}, Minutes: {1440, 60}} {
		times, columns := r.Columns(which)
		last := start.Add(hours * time.Hour).Unix()
		if len(times) != want.count || times[len(times)-1] != last ||
			times[0] != last-int64(want.count-1)*want.step {
			t.Errorf("range %d: %d samples from %d to %d", which, len(times), times[0], times[len(times)-1])
		}
		if !slices.IsSorted(times) || slices.Min(columns[Published]) != 1 || slices.Max(columns[Published]) != 1 {
			t.Errorf("range %d: rates from %g to %g", which, slices.Min(columns[Published]),
				slices.Max(columns[Published]))
		}
	}
	if size := (seconds + minutes) * int(unsafe.Sizeof(Sample{})+unsafe.Sizeof(int64(0))); size > 104<<10 {
		t.Errorf("it takes %d bytes", size)
	}
}

// A clock that was set back, and counters of a tenant that is gone, make no nonsense.
func TestRecorder_NothingGoesBackwards(t *testing.T) {
	r := New()
	r.Record(start, Counters{Delivered: 100, Latency: []uint64{5}})
	r.Record(start.Add(-time.Second), Counters{Delivered: 200})
	r.Record(start, Counters{Delivered: 200})
	if times, _ := r.Columns(Seconds); len(times) != 0 {
		t.Errorf("%d samples of a time that does not go on", len(times))
	}
	r.Record(start.Add(time.Second), Counters{Delivered: 50, Latency: []uint64{3}})
	if _, s := r.Latest(); s[Delivered] != 0 {
		t.Errorf("a rate of %g", s[Delivered])
	}
}

func TestQuantile_OfNothingIsZeroAndOfTheLastBucketItsBound(t *testing.T) {
	for name, c := range map[string]struct {
		now  []uint64
		want float64
	}{
		"none": {[]uint64{0, 0, 0}, 0}, "all beyond": {[]uint64{0, 0, 9}, 2},
		"all in the first": {[]uint64{4, 0, 0}, 0.5},
	} {
		if got := quantile(0.5, []float64{1, 2}, nil, c.now); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %g, want %g", name, got, c.want)
		}
	}
}
