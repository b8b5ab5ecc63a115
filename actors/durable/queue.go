package durable

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// request is an operation on its way to the log.
type request struct {
	operation  []byte
	relaxed    bool // it may be answered before the disk has it
	freesSpace bool // it makes room, and so is taken while the disk is full
	done       func(history.Outcome)
}

// Bounds of what waits for one partition, and of what becomes one entry of its log. While one entry is on its way to
// the disk, the next one gathers: this is group commit.
const (
	queueCount = 8192
	queueBytes = 16 << 20
	batchCount = 512
	batchBytes = 256 << 10 // one operation may be larger
)

// queue holds requests for the committer, in order.
type queue struct {
	wake chan struct{} // holds one token when a request waits, or the queue is closed

	mu     sync.Mutex
	list   []request
	bytes  int
	closed bool
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

var (
	errQueueFull = &protocol.Refusal{
		Reason: protocol.Busy, Detail: "too many durable publishes wait for the disk", RetryAfter: time.Second,
	}
	errClosing = &protocol.Refusal{Reason: protocol.Draining, RetryAfter: time.Second}
)

// put queues a request. If it does not, the error says why.
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

// take waits for requests, moves as many as fit into one entry to batch, and returns it. An empty batch means that the
// queue is closed.
func (q *queue) take(batch []request) []request {
	for {
		q.mu.Lock()
		bytes := 0
		for _, r := range q.list[:min(len(q.list), batchCount)] {
			if bytes+len(r.operation) > batchBytes && len(batch) > 0 {
				break
			}
			bytes += len(r.operation)
			batch = append(batch, r)
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

// await has the partition agree on one operation and waits for that.
func (q *queue) await(o *operation) error { return q.awaitFor(context.Background(), o) }

// awaitFor is await, but gives up when the context ends; then nobody knows what became of the operation.
func (q *queue) awaitFor(ctx context.Context, o *operation) error {
	answer := make(chan error, 1)
	r := request{operation: o.append(nil), freesSpace: true, done: func(out history.Outcome) { answer <- out.Err }}
	if err := q.put(r); err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// awaitAll is await for several operations, no more than fit into one entry.
func (q *queue) awaitAll(all []*operation) error {
	answers := make(chan error, len(all))
	for i, o := range all {
		r := request{operation: o.append(nil), freesSpace: true, done: func(out history.Outcome) { answers <- out.Err }}
		if err := q.put(r); err != nil {
			return fmt.Errorf("after %d of %d: %w", i, len(all), err)
		}
	}
	for range all {
		if err := <-answers; err != nil {
			return err
		}
	}
	return nil
}
