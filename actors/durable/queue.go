package durable

import (
	"sync"
	"time"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// request is an operation on its way to the log.
type request struct {
	operation  []byte
	relaxed    bool // it may be answered before the disk has it
	freesSpace bool // it makes room, so it is taken when there is none
	done       func(history.Outcome)
}

// Bounds of what waits for one slot, and of what becomes one entry of its log. While one entry is on its way to the
// disk, the next one gathers: that is group commit.
const (
	queueCount = 8192
	queueBytes = 16 << 20
	batchCount = 512
	batchBytes = 256 << 10 // one operation may be larger
)

// queue holds requests for the committer, in order.
type queue struct {
	wake chan struct{} // holds one token when something waits, or the end has come

	mu     sync.Mutex
	list   []request
	bytes  int
	closed bool
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

var (
	errQueueFull = &protocol.Refusal{Reason: protocol.Busy, Detail: "too many durable publishes wait for the disk", RetryAfter: time.Second}
	errClosing   = &protocol.Refusal{Reason: protocol.Draining, RetryAfter: time.Second}
)

// put queues a request, or says why not.
func (q *queue) put(r request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return errClosing
	case len(q.list) >= queueCount || q.bytes+len(r.operation) > queueBytes && len(q.list) > 0:
		return errQueueFull
	}
	q.list = append(q.list, r)
	q.bytes += len(r.operation)
	q.signal()
	return nil
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take waits for requests and moves as many as make an entry into batch. It is empty at the end.
func (q *queue) take(batch []request) []request {
	for {
		q.mu.Lock()
		bytes := 0
		for len(q.list) > len(batch) && len(batch) < batchCount && (bytes+len(q.list[len(batch)].operation) <= batchBytes || len(batch) == 0) {
			bytes += len(q.list[len(batch)].operation)
			batch = append(batch, q.list[len(batch)])
		}
		left := copy(q.list, q.list[len(batch):])
		clear(q.list[left:])
		q.list, q.bytes = q.list[:left], q.bytes-bytes
		closed := q.closed
		if left > 0 {
			q.signal()
		} else if cap(q.list) > batchCount {
			q.list = nil
		}
		q.mu.Unlock()
		if len(batch) > 0 || closed {
			return batch
		}
		<-q.wake
	}
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}
