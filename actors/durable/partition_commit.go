package durable

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// request is an operation on its way to the log.
type request struct {
	operation []byte
	relaxed   bool // it may be answered before the disk has it
	frees     bool // it makes room, so it is taken when there is none
	done      func(history.Outcome)
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
	errCrowded = &protocol.Refusal{Reason: protocol.Busy, Detail: "too many durable publishes wait for the disk", RetryAfter: time.Second}
	errClosing = &protocol.Refusal{Reason: protocol.Draining, RetryAfter: time.Second}
)

// put queues a request, or says why not.
func (q *queue) put(r request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return errClosing
	case len(q.list) >= queueCount || q.bytes+len(r.operation) > queueBytes && len(q.list) > 0:
		return errCrowded
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

// committing is the committer: it gathers what waits, has it agreed on, and answers, in order.
func (s *slot) committing() {
	var batch []request
	for {
		batch = s.queue.take(batch[:0])
		if len(batch) == 0 {
			return
		}
		s.commit(batch)
		clear(batch)
	}
}

func (s *slot) commit(batch []request) {
	if why := s.store.space.room(); why != nil {
		batch = refuseAll(batch, why)
	}
	if len(batch) == 0 {
		return
	}
	entry, lax := pack(batch)
	future := s.raft.Apply(entry, 0)
	if err := future.Error(); err != nil {
		fail(batch, unavailable(err))
		return
	}
	a := future.Response().(*applied)
	if a.err != nil || len(a.outcomes) != len(batch) {
		fail(batch, &protocol.Refusal{Reason: protocol.Internal})
		return
	}
	if s.seen.relaxed = (spot{future.Index(), a.term}); lax {
		s.unsynced.Store(true)
	} else { // and the disk has all that was answered before
		s.seen.strict = s.seen.relaxed
	}
	s.store.witness.saw(s.number, s.seen)
	for i, r := range batch {
		r.done(a.outcomes[i])
	}
	s.compact(len(entry))
}

// refuseAll refuses what needs room and returns the rest.
func refuseAll(batch []request, why error) (left []request) {
	for _, r := range batch {
		if r.frees {
			left = append(left, r)
		} else {
			r.done(history.Outcome{Err: why})
		}
	}
	return left
}

func fail(batch []request, why error) {
	for _, r := range batch {
		r.done(history.Outcome{Err: why})
	}
}

// unavailable is what a publisher is told when the group does not agree. Whether it did nevertheless is not known: the
// publisher tries again with the same id.
func unavailable(err error) error {
	if errors.Is(err, raft.ErrRaftShutdown) {
		return errClosing
	}
	return &protocol.Refusal{Reason: protocol.Busy, Detail: "the topic's slot has no leader", RetryAfter: time.Second}
}

// pack makes an entry. It is relaxed if all in it may be; then it is not waited for.
func pack(batch []request) (entry []byte, lax bool) {
	size := 1
	lax = true
	for _, r := range batch {
		size += len(r.operation)
		lax = lax && r.relaxed
	}
	entry = append(make([]byte, 0, size), entryStrict)
	if lax {
		entry[0] = entryRelaxed
	}
	for _, r := range batch {
		entry = append(entry, r.operation...)
	}
	return entry, lax
}

// The log is cut after so many bytes or entries, whichever come first: both are read at a start. What stays behind the
// cut is for a node that was away for a moment.
const (
	cutBytes  = 4 << 20 // and not more than a part of the reserve, on a small disk
	cutCount  = 4096
	keepCount = 1024 // and not more than a quarter of the bytes
)

// compact cuts the log now and then.
func (s *slot) compact(bytes int) {
	s.logged, s.count = s.logged+bytes, s.count+1
	limit := min(cutBytes, int(s.store.space.reserve/16))
	if s.logged < limit && s.count < cutCount {
		return
	}
	keep := uint64(min(keepCount, max(1, limit/4/(s.logged/s.count+1))))
	rc := raft.ReloadableConfig{TrailingLogs: keep, SnapshotInterval: 24 * time.Hour, SnapshotThreshold: 1 << 62, HeartbeatTimeout: heartbeat, ElectionTimeout: heartbeat}
	err := s.raft.ReloadConfig(rc)
	if err == nil {
		err = s.raft.Snapshot().Error()
	}
	if err != nil && !errors.Is(err, raft.ErrNothingNewToSnapshot) && !errors.Is(err, raft.ErrRaftShutdown) {
		s.store.cfg.Logger.Warn("the log of a slot could not be cut", "slot", s.number, "cause", err)
	}
	s.logged, s.count = 0, 0
}

// await has one operation agreed on and waits for it.
func (s *slot) await(o *operation) error { return s.awaitFor(context.Background(), o) }

// awaitFor is await, but gives up when the context ends; then nobody knows what became of the operation.
func (s *slot) awaitFor(ctx context.Context, o *operation) error {
	answer := make(chan error, 1)
	r := request{operation: o.append(nil), frees: true, done: func(out history.Outcome) { answer <- out.Err }}
	if err := s.queue.put(r); err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
