// Package fairqueue bounds how many do something at once, fairly among tenants: a semaphore with fair queuing.
//
// It promises that no more than the slots are taken at once; that whoever waits is served by tenants in turn, so that a
// tenant with thousands who wait delays another one's only one by one; that no more wait than there is room for, and
// when it is full, the tenant that has most loses its last; and that nobody waits longer than the patience.
//
// It knows nothing of what is done with a slot.
package fairqueue

import (
	"container/list"
	"context"
	"runtime"
	"sync"
	"time"
)

// Queue is a semaphore whose waiters stand in a queue for each tenant. Its methods may be called from many goroutines
// at once.
type Queue struct {
	// Static after construction.
	room     int           // how many may wait
	patience time.Duration // how long each may

	mu      sync.Mutex
	free    int                // slots; above 0 only while nobody waits
	tenants map[string]*tenant // those that have somebody waiting
	turns   list.List          // of *tenant, the next to be served first
	stats   Stats
}

// Stats are the figures of a queue.
type Stats struct {
	// Waiting is how many wait now.
	Waiting int
	// Served counts those that got a slot, Refused those that did not, since too many waited, or for too long.
	Served, Refused uint64
	// Waited is how long all of them together have waited.
	Waited time.Duration
}

// tenant is the queue of one tenant.
type tenant struct {
	name    string
	waiters list.List     // of *waiter
	turn    *list.Element // in turns
}

// waiter is one that waits for a slot.
type waiter struct {
	tenant  *tenant
	place   *list.Element // in the tenant's queue; nil once it has left
	since   time.Time
	verdict chan bool // gets true with a slot, and false if the waiter lost its place
}

// New makes a queue for slots at once; 0 is half of the processors, and at least one. Up to room may wait, each for
// patience at most.
func New(slots, room int, patience time.Duration) *Queue {
	if slots == 0 {
		slots = max(1, runtime.GOMAXPROCS(0)/2)
	}
	return &Queue{room: room, patience: patience, free: slots, tenants: map[string]*tenant{}}
}

// Acquire waits for a slot for a tenant, and reports whether it got one, which the caller has to release. It blocks
// until the context ends, and for patience at most.
func (q *Queue) Acquire(ctx context.Context, name string) bool {
	w, got := q.enter(name)
	if w == nil {
		return got
	}
	patience := time.NewTimer(q.patience)
	defer patience.Stop()
	select {
	case got := <-w.verdict:
		return got
	case <-patience.C:
	case <-ctx.Done():
	}
	return q.leave(w)
}

// enter takes a free slot, or a place in the tenant's queue. The waiter is nil if the caller need not wait.
func (q *Queue) enter(name string) (_ *waiter, got bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free > 0 {
		q.free--
		q.stats.Served++
		return nil, true
	}
	if q.stats.Waiting >= q.room && !q.makeRoom(name) {
		q.stats.Refused++
		return nil, false
	}
	t := q.tenants[name]
	if t == nil {
		t = &tenant{name: name}
		t.turn = q.turns.PushBack(t)
		q.tenants[name] = t
	}
	w := &waiter{tenant: t, since: time.Now(), verdict: make(chan bool, 1)}
	w.place = t.waiters.PushBack(w)
	q.stats.Waiting++
	return w, false
}

// makeRoom takes the last place from the tenant that has most, unless that is the tenant itself. It is called with mu
// held.
func (q *Queue) makeRoom(name string) bool {
	longest := q.tenants[name]
	for _, t := range q.tenants {
		if longest == nil || t.waiters.Len() > longest.waiters.Len() {
			longest = t
		}
	}
	if longest == nil || longest.name == name {
		return false
	}
	w := longest.waiters.Back().Value.(*waiter)
	q.remove(w)
	q.stats.Refused++
	w.verdict <- false
	return true
}

// remove takes a waiter out of its queue. It is called with mu held.
func (q *Queue) remove(w *waiter) {
	t := w.tenant
	t.waiters.Remove(w.place)
	w.place = nil
	q.stats.Waiting--
	q.stats.Waited += time.Since(w.since)
	if t.waiters.Len() == 0 {
		q.turns.Remove(t.turn)
		delete(q.tenants, t.name)
	}
}

// leave gives a place up. It reports whether the waiter has a slot nevertheless, which came meanwhile.
func (q *Queue) leave(w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.place == nil {
		return <-w.verdict
	}
	q.remove(w)
	q.stats.Refused++
	return false
}

// Release passes the slot on to the tenant whose turn it is. If one waits, it yields the processor first: what became
// ready meanwhile, deliveries above all, goes before the next one.
func (q *Queue) Release() {
	if q.Stats().Waiting > 0 {
		runtime.Gosched()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	next := q.turns.Front()
	if next == nil {
		q.free++
		return
	}
	t := next.Value.(*tenant)
	q.turns.MoveToBack(next)
	w := t.waiters.Front().Value.(*waiter)
	q.remove(w)
	q.stats.Served++
	w.verdict <- true
}

// Stats returns the figures.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stats
}
