package durable

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/hashicorp/raft"

	"github.com/parley-realtime/parley/protocol"
)

// Store holds all durable topics of a node. Its methods may be called from any goroutine until Close is called.
type Store struct {
	cfg           Config // static, as are these
	dir           string
	id            raft.ServerID
	guard         *diskGuard
	lock          *pebble.Lock
	db            *pebble.DB
	commitMarker  *commitMarker
	clock         *clock
	created       bool // at this start
	newEpochs     bool // of all topics, at this start; false once SetRules was told the rules
	partitions    []*partition
	stop          chan struct{}  // closed by Close
	running       sync.WaitGroup // retention, sync and clock
	checkpointing sync.Mutex     // held while somebody reads a checkpoint
}

// MaxPartitions bounds Config.Partitions: each costs five goroutines and a heartbeat.
const MaxPartitions = 256

// Open opens the store in a directory, or makes one, and returns when every partition takes publishes, however long
// that takes (see Begin). Its errors are sentences for an operator.
func Open(dir string, cfg Config) (*Store, error) { return Begin(dir, cfg).Wait(context.Background()) }

func (s *Store) open() error {
	if s.cfg.Partitions < 1 || s.cfg.Partitions > MaxPartitions {
		return fmt.Errorf("%d slots: there can be 1 to %d", s.cfg.Partitions, MaxPartitions)
	}
	if err := s.openDirectory(); err != nil {
		return err
	}
	if err := s.guard.measure(s.cfg.Reserve); err != nil {
		return err
	}
	if err := s.openPebble(); err != nil {
		return err
	}
	if err := s.identify(); err != nil {
		return err
	}
	clock, err := openClock(s.db, &s.cfg)
	if err != nil {
		return err
	}
	s.clock = clock
	marker, acked, err := openCommitMarker(s.guard, s.dir, s.cfg.Partitions, s.cfg.Logger)
	if err != nil {
		return err
	}
	s.commitMarker = marker
	if s.newEpochs, err = s.isCopy(); err != nil {
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
	return s.saveOrigin()
}

// openDirectory makes the directory and locks it, removes what a crash has left of a checkpoint, and notes the rules.
func (s *Store) openDirectory() error {
	if err := s.guard.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	err := s.guard.retryWhileFull(func() (err error) {
		s.lock, err = pebble.LockDirectory(s.dir, s.cfg.Files)
		return err
	})
	if err != nil {
		return inUse(err)
	}
	if err := s.cfg.Files.RemoveAll(s.cfg.Files.PathJoin(s.dir, checkpointName)); err != nil {
		return err
	}
	if s.cfg.Rules == "" {
		return nil
	}
	return addRules(s.cfg.Files, s.dir, s.cfg.Rules)
}

func (s *Store) openPebble() (err error) {
	s.db, err = pebble.Open(s.dir, s.options())
	if err == nil {
		return nil
	}
	cut, failed := recoverWAL(s.guard, s.dir, err, s.cfg.Logger)
	if !cut || failed != nil {
		return errors.Join(fmt.Errorf("its files cannot be read: %w", err), failed)
	}
	if s.db, err = pebble.Open(s.dir, s.options()); err != nil {
		return fmt.Errorf("its files cannot be read: %w", err)
	}
	return nil
}

func (s *Store) options() *pebble.Options {
	logger := pebbleLogger{s.cfg.Logger, s.cfg.Fatal}
	o := &pebble.Options{
		FS: s.guard, Lock: s.lock, Logger: logger, EventListener: logger.listener(),
		// Its logs tell damage from a crash, its tables have checksums everywhere.
		FormatMajorVersion: pebble.FormatTableFormatV6,
		MemTableSize:       s.guard.memTableSize(), MemTableStopWritesThreshold: 3,
		CacheSize: 32 << 20, MaxOpenFiles: 256,
		CompactionConcurrencyRange: func() (int, int) { return 1, 2 },
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // most ids that are looked up were never seen
	}
	return o
}

// identify reads the store's name and number of partitions. A new store gets those of this start. They are stored
// twice, far from each other, since nothing can be read without them.
func (s *Store) identify() error {
	value, closer, err := s.db.Get(storeKey)
	if err != nil {
		value, closer, err = s.db.Get(storeKeyCopy)
	}
	if errors.Is(err, pebble.ErrNotFound) {
		s.id, s.created = raft.ServerID(rand.Text()), true
		v := appendText(binary.AppendUvarint([]byte{1}, uint64(s.cfg.Partitions)), string(s.id))
		return errors.Join(s.db.Set(storeKey, v, pebble.NoSync), s.db.Set(storeKeyCopy, v, pebble.Sync))
	}
	if err != nil {
		return err
	}
	defer closer.Close()
	c := cursor{rest: value}
	version, partitions := c.uint8(), int(c.uvarint())
	s.id = raft.ServerID(c.text())
	switch {
	case c.failed || version != 1:
		return fmt.Errorf("its format is %d and not one that this version knows (1)", version)
	case partitions != s.cfg.Partitions:
		return fmt.Errorf("it was made with %d slots, which is fixed; %d are configured: "+
			"set slots to %d, or begin with an empty directory", partitions, s.cfg.Partitions, partitions)
	}
	return nil
}

// start starts all partitions at the same time.
func (s *Store) start(acked []ackedEntries) error {
	errs := make([]error, s.cfg.Partitions)
	s.partitions = make([]*partition, s.cfg.Partitions)
	var all sync.WaitGroup
	for i := range s.partitions {
		s.partitions[i] = newPartition(s, uint16(i))
		all.Go(func() { errs[i] = s.partitions[i].start(acked[i]) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// Close ends all that the store does and waits for it. Publishes that are not answered by then are answered with an
// error.
func (s *Store) Close() error {
	s.checkpointing.Lock() // waits for the reader of a checkpoint, and allows no other
	close(s.stop)
	s.running.Wait()
	s.tick(s.cfg.Clock())
	return s.release()
}

func (s *Store) release() (err error) {
	var all sync.WaitGroup
	for _, one := range s.partitions {
		all.Go(one.stop)
	}
	all.Wait()
	if s.commitMarker != nil {
		err = errors.Join(err, s.commitMarker.close())
	}
	close(s.guard.closing)
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// runSync brings relaxed publishes to the disk, again and again.
func (s *Store) runSync() { s.every(s.cfg.SyncEvery, s.sync) }

func (s *Store) sync(time.Time) {
	dirty := false
	for _, one := range s.partitions {
		dirty = one.unsynced.Swap(false) || dirty
	}
	if dirty {
		if err := s.db.LogData(nil, pebble.Sync); err != nil {
			s.cfg.Logger.Error("relaxed topics did not reach the disk", "cause", err)
		}
	}
}

// runClock has the clock written down, again and again.
func (s *Store) runClock() { s.every(tickEvery, s.tick) }

// tick has the clock written down. If the disk is full it leaves that to the next time.
func (s *Store) tick(now time.Time) {
	if s.guard.refusal() == nil {
		s.clock.tick(now)
	}
}

func (s *Store) every(interval time.Duration, do func(now time.Time)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			do(s.cfg.Clock())
		}
	}
}

// Partitions is the number of partitions. They are numbered from 0 on.
func (s *Store) Partitions() int { return len(s.partitions) }

// Probe asks whether a partition takes publishes: it returns nil when the partition has agreed on an operation that
// does nothing, and has brought it to the disk. It may block until ctx ends. It does not fail on a full disk, since a
// restart would not help; DiskFull tells of that.
func (s *Store) Probe(ctx context.Context, partition int) error {
	return s.partitions[partition].awaitFor(ctx, &operation{op: opProbe})
}

// DiskFull says why publishes are refused for lack of room on the disk; nil if they are not.
func (s *Store) DiskFull() *protocol.Refusal { return s.guard.refusal() }

// partitionOf is the partition of a topic.
func (s *Store) partitionOf(tenant, topic string) *partition {
	return s.partitions[partitionNumber(tenant, topic, len(s.partitions))]
}

// runRetention removes events that are too old from topics that nobody uses. It waits for each removal, so that it
// never fills a queue.
func (s *Store) runRetention() {
	s.every(s.cfg.RetentionEvery, s.removeOld)
}

func (s *Store) removeOld(now time.Time) {
	for _, one := range s.partitions {
		if one.raft.State() == raft.Leader {
			if err := one.removeOld(now); err != nil {
				s.cfg.Logger.Warn("events that are too old could not be removed from a slot",
					"slot", one.number, "cause", err)
			}
		}
	}
}
