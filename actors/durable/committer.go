package durable

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// committer gathers the requests that wait for a partition, has the group agree on them, and answers them, in order.
type committer struct {
	partition uint16 // static, as are these
	queue     *queue
	raft      *raft.Raft
	guard     *diskGuard
	marker    *commitMarker
	log       *slog.Logger

	unsynced atomic.Bool // a relaxed publish was answered since the last sync

	acked ackedEntries // the newest entries that were answered; owned by run
}

// run commits what waits, until the queue is closed.
func (c *committer) run() {
	var batch []request
	for {
		batch = c.queue.take(batch[:0])
		if len(batch) == 0 {
			return
		}
		c.commit(batch)
		clear(batch)
	}
}

func (c *committer) commit(batch []request) {
	if refusal := c.guard.refusal(); refusal != nil {
		batch = refuseWrites(batch, refusal)
	}
	if len(batch) == 0 {
		return
	}
	entry, relaxed := encodeEntry(batch)
	future := c.raft.Apply(entry, 0)
	if err := future.Error(); err != nil {
		fail(batch, applyRefusal(err))
		return
	}
	a := future.Response().(*applyResult)
	if a.err != nil || len(a.outcomes) != len(batch) {
		fail(batch, &protocol.Refusal{Reason: protocol.Internal})
		return
	}
	if c.acked.relaxed = (entryID{future.Index(), a.term}); relaxed {
		c.unsynced.Store(true)
	} else { // and the disk has all that was answered before
		c.acked.strict = c.acked.relaxed
	}
	c.marker.write(c.partition, c.acked)
	for i, r := range batch {
		r.done(a.outcomes[i])
	}
}

// refuseWrites refuses the requests that need room and returns the rest.
func refuseWrites(batch []request, err error) (left []request) {
	for _, r := range batch {
		if r.freesSpace {
			left = append(left, r)
		} else {
			r.done(history.Outcome{Err: err})
		}
	}
	return left
}

func fail(batch []request, err error) {
	for _, r := range batch {
		r.done(history.Outcome{Err: err})
	}
}

// applyRefusal is what a publisher is told when the group did not agree in time. The entry may have been agreed on
// nevertheless; so the publisher tries again with the same id.
func applyRefusal(err error) error {
	if errors.Is(err, raft.ErrRaftShutdown) {
		return errClosing
	}
	return &protocol.Refusal{Reason: protocol.Busy, Detail: "the topic's slot has no leader", RetryAfter: time.Second}
}

// encodeEntry makes an entry of the log. The entry is relaxed if all of its operations may be; then nobody waits for
// the disk.
func encodeEntry(batch []request) (entry []byte, relaxed bool) {
	size := 1
	relaxed = true
	for _, r := range batch {
		size += len(r.operation)
		relaxed = relaxed && r.relaxed
	}
	entry = append(make([]byte, 0, size), entryStrict)
	if relaxed {
		entry[0] = entryRelaxed
	}
	for _, r := range batch {
		entry = append(entry, r.operation...)
	}
	return entry, relaxed
}
