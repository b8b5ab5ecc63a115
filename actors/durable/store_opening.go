package durable

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Opening is a store that is being opened. On a disk without room that takes until there is some; to open a large
// store, or one that a crash has damaged, takes its time as well.
type Opening struct {
	store    *Store
	finished chan struct{} // closed when err is set
	err      error
}

// Begin begins to open the store in a directory, or to make one, and does not block. The directory belongs to one
// process at a time. The caller ends the opening with Wait and Store.Close, or with Abandon.
func Begin(dir string, cfg Config) *Opening {
	cfg = cfg.withDefaults()
	s := &Store{
		storage: storage{cfg: cfg, dir: dir, guard: newDiskGuard(cfg.Files, dir, cfg.Logger)},
		stop:    make(chan struct{}),
	}
	s.checkpoints.storage = &s.storage
	o := &Opening{store: s, finished: make(chan struct{})}
	go func() {
		defer close(o.finished)
		if err := s.open(); err != nil {
			o.err = errors.Join(fmt.Errorf("store of durable topics in %s: %w", dir, err), s.release())
			return
		}
		s.running.Go(s.runSync)
		s.running.Go(s.runRetention)
		s.running.Go(s.runClock)
	}()
	return o
}

// open opens the storage and starts the partitions.
func (s *Store) open() error {
	acked, err := s.storage.open()
	if err != nil {
		return err
	}
	if s.newEpochs, err = isCopy(s.db, s.commitMarker); err != nil {
		return err
	}
	if s.newEpochs && !s.created {
		s.cfg.Logger.Warn("the files of the durable topics are not those that the last start wrote: " +
			"they were copied, restored, or are from an older version; all durable topics begin new epochs, " +
			"so that readers from before are told")
	}
	if err := s.start(acked); err != nil {
		return err
	}
	return saveOrigin(s.db, s.commitMarker)
}

// start starts all partitions at the same time.
func (s *Store) start(acked []ackedEntries) error {
	errs := make([]error, s.cfg.Partitions)
	s.partitions = make([]*partition, s.cfg.Partitions)
	var all sync.WaitGroup
	for i := range s.partitions {
		s.partitions[i] = newPartition(&s.storage, uint16(i))
		all.Go(func() { errs[i] = s.partitions[i].start(acked[i], s.newEpochs) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// Wait returns the store when every partition takes publishes, or why it cannot be opened, in a sentence for an
// operator. If ctx ends first, it returns the context's error, and the opening goes on.
func (o *Opening) Wait(ctx context.Context) (*Store, error) {
	select {
	case <-o.finished:
	case <-ctx.Done():
		select {
		case <-o.finished:
		default:
			return nil, ctx.Err()
		}
	}
	if o.err != nil {
		return nil, o.err
	}
	return o.store, nil
}

// Abandon closes the store once it is open. It does not wait for that: Pebble cannot be told to give up, and waits for
// room for as long as there is none.
func (o *Opening) Abandon() {
	go func() {
		if store, err := o.Wait(context.Background()); err == nil {
			_ = store.Close()
		}
	}()
}

// reopenAfter is when to try again a request that came before the store was open.
const reopenAfter = 2 * time.Second

var (
	errOpeningFull = &protocol.Refusal{
		Reason: protocol.StorageFull, RetryAfter: reopenAfter,
		Detail: "the disk of durable topics is full, so they cannot be opened; they will be when there is room",
	}
	errOpeningFailed = &protocol.Refusal{
		Reason: protocol.Busy, RetryAfter: reopenAfter,
		Detail: "durable topics could not be opened; the server's log says why",
	}
	errOpening = &protocol.Refusal{
		Reason: protocol.Busy, RetryAfter: reopenAfter, Detail: "durable topics are still being opened",
	}
)

// Refusal says why durable topics cannot be used yet.
func (o *Opening) Refusal() *protocol.Refusal {
	select {
	case <-o.finished:
		if o.err != nil {
			return errOpeningFailed
		}
	default:
		if o.store.guard.writeWaits.Load() {
			return errOpeningFull
		}
	}
	return errOpening
}
