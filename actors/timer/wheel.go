package timer

import (
	"container/heap"
	"sync"
	"time"
)

// Target is what a deadline fires. Fire runs on the wheel's goroutine and must not block: all other deadlines wait for
// it.
type Target interface{ Fire() }

// Wheel is a hashed timing wheel. It holds all deadlines of a node. One goroutine serves them all, and sleeps until the
// next one is due. A deadline cannot be cancelled; the target looks whether it still matters. All methods may be called
// from many goroutines at once, and none blocks but Close.
type Wheel struct {
	begin time.Time // static; 1 ns before the wheel started, so that Since is never 0

	mu      sync.Mutex
	buckets map[int64][]Target // by tick
	ticks   tickHeap           // the keys of buckets
	wakeup  chan struct{}      // capacity 1: a deadline was set that is earlier than all others
	stop    chan struct{}
	done    chan struct{}
	closed  bool
}

// Granularity is the width of a tick: a deadline fires up to this much late, never early.
const Granularity = 20 * time.Millisecond

// NewWheel starts a wheel and its goroutine; Close ends both.
func NewWheel() *Wheel {
	w := &Wheel{
		begin:   time.Now().Add(-1),
		buckets: map[int64][]Target{},
		wakeup:  make(chan struct{}, 1),
		stop:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	go w.run()
	return w
}

// Since returns how long the wheel had run at t, in nanoseconds. It is not 0 for any t from now on, so callers may use
// 0 for "never".
func (w *Wheel) Since(t time.Time) int64 { return int64(t.Sub(w.begin)) }

// Time is the inverse of Since: it returns the time at which the wheel had run for at nanoseconds.
func (w *Wheel) Time(at int64) time.Time { return w.begin.Add(time.Duration(at)) }

// ScheduleAt is Schedule for a time that Since returned, in nanoseconds.
func (w *Wheel) ScheduleAt(at int64, target Target) { w.Schedule(w.Time(at), target) }

// Schedule fires target at the given time, or at once if that has passed. A closed wheel ignores it.
func (w *Wheel) Schedule(at time.Time, target Target) {
	tick := max(w.Since(at)-1, 0)/int64(Granularity) + 1
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return
	}
	bucket, known := w.buckets[tick]
	w.buckets[tick] = append(bucket, target)
	first := false
	if !known {
		heap.Push(&w.ticks, tick)
		first = w.ticks[0] == tick
	}
	w.mu.Unlock()
	if first {
		select {
		case w.wakeup <- struct{}{}:
		default:
		}
	}
}

// Pending counts the scheduled targets for which picks returns true. picks must not call the wheel.
func (w *Wheel) Pending(picks func(Target) bool) (count int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, bucket := range w.buckets {
		for _, target := range bucket {
			if picks(target) {
				count++
			}
		}
	}
	return count
}

func (w *Wheel) run() {
	defer close(w.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(w.fireDue(time.Now()))
		select {
		case <-timer.C:
		case <-w.wakeup:
		case <-w.stop:
			return
		}
	}
}

// fireDue fires all targets that are due, and returns how long to sleep until the next.
func (w *Wheel) fireDue(now time.Time) time.Duration {
	for {
		w.mu.Lock()
		if len(w.ticks) == 0 {
			w.mu.Unlock()
			return time.Hour
		}
		if wait := time.Duration(w.ticks[0]*int64(Granularity) - w.Since(now)); wait > 0 {
			w.mu.Unlock()
			return wait
		}
		tick := heap.Pop(&w.ticks).(int64)
		due := w.buckets[tick]
		delete(w.buckets, tick)
		w.mu.Unlock()
		for _, target := range due {
			target.Fire()
		}
	}
}

// Close ends the wheel and blocks until its goroutine has ended. A deadline that has not fired by then never will.
func (w *Wheel) Close() {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return
	}
	w.closed = true
	w.mu.Unlock()
	close(w.stop)
	<-w.done
}

// tickHeap is a heap of ticks, the earliest first.
type tickHeap []int64

func (h tickHeap) Len() int           { return len(h) }
func (h tickHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h tickHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *tickHeap) Push(x any)        { *h = append(*h, x.(int64)) }
func (h *tickHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
