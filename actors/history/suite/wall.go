package suite

import (
	"sync"
	"time"
	"unsafe"
)

// Wall is a clock that a test sets, as an operator or NTP does. Its time passes when the test says so. The zero value
// begins at the time of its first use.
type Wall struct {
	mu            sync.Mutex
	begin         time.Time
	ahead, passed time.Duration
}

// Steps are by how much wall clocks are set.
var Steps = []time.Duration{
	time.Millisecond, -time.Millisecond, time.Second, -time.Second,
	6 * time.Minute, -6 * time.Minute, time.Hour, -time.Hour,
	24 * time.Hour, -24 * time.Hour, 400 * 24 * time.Hour, -400 * 24 * time.Hour,
}

// FewSteps are one of each kind: by a moment, over a window, over days, far ahead and far behind.
var FewSteps = []time.Duration{
	-time.Millisecond, 6 * time.Minute, -24 * time.Hour, 400 * 24 * time.Hour, -400 * 24 * time.Hour,
}

// Set puts the wall clock ahead of the right time, or behind it.
func (w *Wall) Set(ahead time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead = ahead
}

// Pass lets time pass: the monotonic clock goes on, and the wall clock with it.
func (w *Wall) Pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passed += d
}

// Now is what time.Now returns after the wall clock was set: another wall clock, and a monotonic reading that knows
// nothing of that. Only the runtime can make such a time.Time, so this reaches into one. It works outside of synctest's
// bubbles, whose times have no monotonic reading.
func (w *Wall) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.begin.IsZero() {
		w.begin = time.Now()
	}
	right := w.begin.Add(w.passed)
	set := right.Add(w.ahead)
	(*layout)(unsafe.Pointer(&set)).monotonic = (*layout)(unsafe.Pointer(&right)).monotonic
	if set.Sub(right) != 0 || set.Round(0).Sub(right.Round(0)) != w.ahead {
		panic("a time.Time is not laid out as it was, or has no monotonic reading: its wall clock cannot be set")
	}
	return set
}

// layout is that of a time.Time with a monotonic reading.
type layout struct {
	wall      uint64
	monotonic int64
	location  *time.Location
}
