package cluster

import (
	"context"
	"sync"
)

// queue holds what waits for a connection. Many goroutines may use it at once.
type queue struct {
	wake chan struct{} // has room for one

	mu      sync.Mutex
	open    bool
	waiting [][]byte
	bytes   int
}

// Bounds of a queue. A link's credit is less, so parcels are dropped by the link and not here.
const (
	queueCount = 8192
	queueBytes = 8 << 20
)

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// set opens or closes the queue; one that is closed is empty and takes nothing.
func (q *queue) set(open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open, q.waiting, q.bytes = open, nil, 0
}

// add reports whether there was room.
func (q *queue) add(item []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.open || len(q.waiting) >= queueCount || q.bytes+len(item) > queueBytes {
		return false
	}
	q.waiting = append(q.waiting, item)
	q.bytes += len(item)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return true
}

// take blocks until something waits and returns all of it, or nil when the context ends.
func (q *queue) take(ctx context.Context) [][]byte {
	for {
		q.mu.Lock()
		all := q.waiting
		q.waiting, q.bytes = nil, 0
		q.mu.Unlock()
		if len(all) > 0 {
			return all
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return nil
		}
	}
}
