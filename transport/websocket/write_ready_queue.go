package websocket

import (
	"sync"

	"github.com/parley-realtime/parley/actors/outbox"
)

const (
	// batchSize is how many sockets a writer takes at once. If the kernel takes its processor away, those that it has
	// not reached wait with it.
	batchSize = 16

	// writersPerQueue is how many writers share a queue: enough that one of them that is held up delays no socket, too
	// few to contend for the lock.
	writersPerQueue = 4

	// maxTenantQueues is the number of tenant queues from which on an empty one is forgotten. Making it anew allocates.
	maxTenantQueues = 1024
)

// readyQueue is a fair run queue: scheduled sockets wait in it for a writer. Several writers share it, so that sockets
// do not wait for a writer whose processor the kernel has taken away.
//
// Each tenant's sockets have a queue of their own, and these are served round robin, one socket each: a tenant with
// 10,000 scheduled sockets does not delay another one's only socket.
type readyQueue struct {
	writers int // fixed before any socket is in the queue

	mu          sync.Mutex
	nonEmpty    sync.Cond
	tenants     map[*outbox.Backpressure]*tenantQueue
	recent      *tenantQueue // the one that got a socket last; nil if it was forgotten
	first, last *tenantQueue // those that are not empty, in the order in which they are served
	length      int          // sockets in all of them
	idleWriters int          // writers that wait and were not woken yet
	stopped     bool
}

func newReadyQueue() *readyQueue {
	q := &readyQueue{tenants: map[*outbox.Backpressure]*tenantQueue{}}
	q.nonEmpty.L = &q.mu
	return q
}

// tenantQueue returns the queue of a socket's tenant. The caller holds the lock, as for push and pop.
func (q *readyQueue) tenantQueue(s *socket) *tenantQueue {
	if q.recent != nil && q.recent.tenant == s.tenant { // the usual case
		return q.recent
	}
	t := q.tenants[s.tenant]
	if t == nil {
		t = &tenantQueue{tenant: s.tenant}
		q.tenants[s.tenant] = t
	}
	q.recent = t
	return t
}

// push puts a tenant's queue behind the others.
func (q *readyQueue) push(t *tenantQueue) {
	if q.last == nil {
		q.first = t
	} else {
		q.last.next = t
	}
	q.last = t
}

// pop takes the next socket; there is one.
func (q *readyQueue) pop() *socket {
	t := q.first
	if q.first, t.next = t.next, nil; q.first == nil {
		q.last = nil
	}
	s := t.pop()
	q.length--
	switch {
	case t.head != nil:
		q.push(t)
	case len(q.tenants) > maxTenantQueues:
		delete(q.tenants, t.tenant)
		q.recent = nil
	}
	return s
}

// enqueue adds a scheduled socket. It wakes a writer if none is at work, or if more sockets wait than the working ones
// take at once.
func (q *readyQueue) enqueue(s *socket) {
	q.mu.Lock()
	t := q.tenantQueue(s)
	if t.head == nil {
		q.push(t)
	}
	t.push(s)
	q.length++
	wake := q.idleWriters > 0 && (q.idleWriters == q.writers || q.length > batchSize)
	if wake {
		q.idleWriters--
	}
	q.mu.Unlock()
	if wake {
		q.nonEmpty.Signal()
	}
}

// dequeue waits for sockets and takes up to batchSize of them. It returns none once the queue is stopped.
func (q *readyQueue) dequeue(into []*socket) []*socket {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.first == nil && !q.stopped {
		q.idleWriters++
		q.nonEmpty.Wait()
	}
	if q.stopped {
		return nil
	}
	for q.first != nil && len(into) < batchSize {
		into = append(into, q.pop())
	}
	return into
}

// active reports whether a writer is at work, or a socket waits for one.
func (q *readyQueue) active() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.length > 0 || q.idleWriters < q.writers
}

// stop ends the writers. Sockets that are scheduled after it stay unwritten.
func (q *readyQueue) stop() {
	q.mu.Lock()
	q.stopped = true
	q.mu.Unlock()
	q.nonEmpty.Broadcast()
}
