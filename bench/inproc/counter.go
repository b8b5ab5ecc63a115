package inproc

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// timeout bounds each wait.
const timeout = time.Minute

// counter counts what arrives, for one goroutine that waits for a goal.
type counter struct {
	n       atomic.Int64
	goal    atomic.Int64 // 0 while nobody waits
	reached atomic.Pointer[chan struct{}]
}

func (t *counter) add(n int64) {
	if n == 0 {
		return
	}
	if now, goal := t.n.Add(n), t.goal.Load(); goal > 0 && now >= goal && t.goal.CompareAndSwap(goal, 0) {
		close(*t.reached.Load())
	}
}

// await blocks until so many have arrived, and returns the first fault.
func (t *counter) await(goal int64, f *faults) error {
	if t.n.Load() >= goal {
		return f.first()
	}
	reached := make(chan struct{})
	t.reached.Store(&reached)
	t.goal.Store(goal)
	if t.n.Load() >= goal && t.goal.CompareAndSwap(goal, 0) { // they came before we were seen waiting
		return f.first()
	}
	late := time.NewTimer(timeout)
	defer late.Stop()
	for {
		select {
		case <-reached:
			return f.first()
		case <-late.C:
			t.goal.Store(0)
			return fmt.Errorf("%d came of %d that were waited for", t.n.Load(), goal)
		}
	}
}

// faults keeps the first fault.
type faults struct {
	mu       sync.Mutex
	err      error
	expected bool // it is the end; what goes wrong now does not
}

func (f *faults) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil && !f.expected {
		f.err = err
	}
}

func (f *faults) expect() {
	f.mu.Lock()
	f.expected = true
	f.mu.Unlock()
}

func (f *faults) first() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
