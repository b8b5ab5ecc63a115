package durable

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/parley-realtime/parley/protocol"
)

// checkpoints makes the checkpoints of a store, one at a time.
type checkpoints struct {
	storage *storage   // static
	inUse   sync.Mutex // held while somebody reads a checkpoint
}

var errCheckpoint = &protocol.Refusal{
	Reason: protocol.Busy, Detail: "another backup is being made", RetryAfter: 10 * time.Second,
}

// use is Store.Checkpoint.
func (c *checkpoints) use(do func(dir string) error) (err error) {
	if !c.inUse.TryLock() {
		return errCheckpoint
	}
	defer c.inUse.Unlock()
	if refusal := c.storage.guard.refusal(); refusal != nil {
		return refusal
	}
	files := c.storage.cfg.Files
	dir := files.PathJoin(c.storage.dir, checkpointName)
	defer func() { err = errors.Join(err, files.RemoveAll(dir)) }()
	if err := files.RemoveAll(dir); err != nil {
		return err
	}
	if err := c.storage.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	served, err := rulesFile{files, c.storage.dir}.read()
	if err == nil && len(served) > 0 {
		err = rulesFile{files, dir}.write(served...)
	}
	if err != nil {
		return err
	}
	return do(dir)
}

// close waits for the reader of a checkpoint, and allows no other.
func (c *checkpoints) close() { c.inUse.Lock() }
