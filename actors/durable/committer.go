package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// runCommitter is the committer: it gathers the waiting requests, has the group agree on them, and answers them, in
// order.
func (p *partition) runCommitter() {
	var batch []request
	for {
		batch = p.queue.take(batch[:0])
		if len(batch) == 0 {
			return
		}
		p.commit(batch)
		clear(batch)
	}
}

func (p *partition) commit(batch []request) {
	if refusal := p.store.guard.refusal(); refusal != nil {
		batch = refuseWrites(batch, refusal)
	}
	if len(batch) == 0 {
		return
	}
	entry, relaxed := encodeEntry(batch)
	future := p.raft.Apply(entry, 0)
	if err := future.Error(); err != nil {
		fail(batch, applyRefusal(err))
		return
	}
	a := future.Response().(*applyResult)
	if a.err != nil || len(a.outcomes) != len(batch) {
		fail(batch, &protocol.Refusal{Reason: protocol.Internal})
		return
	}
	if p.acked.relaxed = (entryID{future.Index(), a.term}); relaxed {
		p.unsynced.Store(true)
	} else { // and the disk has all that was answered before
		p.acked.strict = p.acked.relaxed
	}
	p.store.commitMarker.write(p.number, p.acked)
	for i, r := range batch {
		r.done(a.outcomes[i])
	}
	p.compact(len(entry))
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

// The committer compacts the log after so many bytes or entries, whichever comes first: a start reads as many. The
// entries that stay are for a node that was away for a moment.
const (
	compactBytes    = 4 << 20 // on a small disk at most a part of the reserve
	compactEntries  = 4096
	trailingEntries = 1024 // at most a quarter of the bytes
)

// compact counts an entry of so many bytes, and cuts the log when it has grown to its limit.
func (p *partition) compact(bytes int) {
	p.uncutBytes, p.uncutEntries = p.uncutBytes+bytes, p.uncutEntries+1
	limit := min(compactBytes, int(p.store.guard.reserve/16))
	if p.uncutBytes < limit && p.uncutEntries < compactEntries {
		return
	}
	keep := uint64(min(trailingEntries, max(1, limit/4/(p.uncutBytes/p.uncutEntries+1))))
	rc := raft.ReloadableConfig{
		TrailingLogs: keep, SnapshotInterval: 24 * time.Hour, SnapshotThreshold: 1 << 62,
		HeartbeatTimeout: heartbeat, ElectionTimeout: heartbeat,
	}
	err := p.raft.ReloadConfig(rc)
	if err == nil {
		err = p.raft.Snapshot().Error()
	}
	if err != nil && !errors.Is(err, raft.ErrNothingNewToSnapshot) && !errors.Is(err, raft.ErrRaftShutdown) {
		p.store.cfg.Logger.Warn("the log of a slot could not be cut", "slot", p.number, "cause", err)
	}
	p.uncutBytes, p.uncutEntries = 0, 0
}

// await has the group agree on one operation and waits for that.
func (p *partition) await(o *operation) error { return p.awaitFor(context.Background(), o) }

// awaitFor is await, but gives up when the context ends; then nobody knows what became of the operation.
func (p *partition) awaitFor(ctx context.Context, o *operation) error {
	answer := make(chan error, 1)
	r := request{operation: o.append(nil), freesSpace: true, done: func(out history.Outcome) { answer <- out.Err }}
	if err := p.queue.put(r); err != nil {
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
func (p *partition) awaitAll(all []*operation) error {
	answers := make(chan error, len(all))
	for i, o := range all {
		r := request{operation: o.append(nil), freesSpace: true, done: func(out history.Outcome) { answers <- out.Err }}
		if err := p.queue.put(r); err != nil {
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
