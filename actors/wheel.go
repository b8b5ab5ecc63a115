package actors

import (
	"container/heap"
	"sync"
	"time"
)

// alarm is rung by the wheel when its time has come. ring must not block.
type alarm interface{ ring() }

// wheel holds all deadlines of a node: heartbeats, logins, expiries, flushes, restarts. One goroutine serves them all,
// and sleeps until the next one is due. A deadline cannot be taken back; who is rung looks whether it still matters.
//
// It goes by the monotonic clock: a wall clock that is set moves nobody's deadline.
type wheel struct {
	begin time.Time // static; a moment before the first deadline there can be

	mu     sync.Mutex
	slots  map[int64][]alarm // by tick
	ticks  tickHeap          // the keys of slots
	wakeup chan struct{}     // capacity 1: an earlier deadline came
	stop   chan struct{}
	done   chan struct{}
	closed bool
}

// granularity is how exact deadlines are: they ring up to this much late, never early.
const granularity = 20 * time.Millisecond

func newWheel() *wheel {
	w := &wheel{begin: time.Now().Add(-1), slots: map[int64][]alarm{}, wakeup: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go w.run()
	return w
}

// since is how long the wheel had run at t, in nanoseconds; it is not 0 for any t from now on.
func (w *wheel) since(t time.Time) int64 { return int64(t.Sub(w.begin)) }

// armSince is arm with a time as since tells it.
func (w *wheel) armSince(at int64, a alarm) { w.arm(w.time(at), a) }

// time is the time of which since is at.
func (w *wheel) time(at int64) time.Time { return w.begin.Add(time.Duration(at)) }

// arm rings a at the time, or at once if that is past.
func (w *wheel) arm(at time.Time, a alarm) {
	tick := max(w.since(at)-1, 0)/int64(granularity) + 1
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return
	}
	slot, known := w.slots[tick]
	w.slots[tick] = append(slot, a)
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

func (w *wheel) run() {
	defer close(w.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(w.serve(time.Now()))
		select {
		case <-timer.C:
		case <-w.wakeup:
		case <-w.stop:
			return
		}
	}
}

// serve rings what is due and returns how long to sleep.
func (w *wheel) serve(now time.Time) time.Duration {
	for {
		w.mu.Lock()
		if len(w.ticks) == 0 {
			w.mu.Unlock()
			return time.Hour
		}
		if wait := time.Duration(w.ticks[0]*int64(granularity) - w.since(now)); wait > 0 {
			w.mu.Unlock()
			return wait
		}
		tick := heap.Pop(&w.ticks).(int64)
		due := w.slots[tick]
		delete(w.slots, tick)
		w.mu.Unlock()
		for _, a := range due {
			a.ring()
		}
	}
}

// close ends the wheel; what has not rung never will.
func (w *wheel) close() {
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
