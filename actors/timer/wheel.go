// Package timer serves the deadlines of many actors with one goroutine: a timing wheel, and a pool of timers for waits that
// nearly always end early. It knows the standard library alone.
//
// It goes by the monotonic clock: a wall clock that somebody sets moves no deadline.
package timer

import (
	"container/heap"
	"sync"
	"time"
)

// Target is what the wheel fires when its time has come. Fire must not block: all deadlines wait for it.
type Target interface{ Fire() }

// Wheel is a hashed timing wheel. It holds all deadlines of a node: heartbeats, logins, expiries, flushes, restarts. One
// goroutine serves them all, and sleeps until the next one is due. A deadline cannot be cancelled; the target looks
// whether it still matters. All methods may be called from many goroutines at once, and none blocks but Close.
type Wheel struct {
	begin time.Time // static; a moment before the first deadline there can be

	mu      sync.Mutex
	buckets map[int64][]Target // by tick
	ticks   tickHeap           // the keys of buckets
	wakeup  chan struct{}      // capacity 1: an earlier deadline came
	stop    chan struct{}
	done    chan struct{}
	closed  bool
}

// Granularity is how exact deadlines are: they fire up to this much late, never early.
const Granularity = 20 * time.Millisecond

// NewWheel starts a wheel. Close ends it.
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

// Since is how long the wheel had run at t, in nanoseconds; it is not 0 for any t from now on.
func (w *Wheel) Since(t time.Time) int64 { return int64(t.Sub(w.begin)) }

// Time is the time of which Since is at.
func (w *Wheel) Time(at int64) time.Time { return w.begin.Add(time.Duration(at)) }

// ScheduleAt is Schedule with a time as Since tells it.
func (w *Wheel) ScheduleAt(at int64, target Target) { w.Schedule(w.Time(at), target) }

// Schedule fires the target at the time, or at once if that is past. A closed wheel ignores it.
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

// Pending counts the targets that wait for their time and that the function picks. The function must not call the wheel.
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

// fireDue fires what is due and returns how long to sleep.
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

// Close ends the wheel and waits for its goroutine; what has not fired never will.
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
