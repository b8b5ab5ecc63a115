package durable

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/hashicorp/raft"
)

// storage is what the partitions of a store share: its directory with Pebble and the commit marker, its name, its
// clock, and the guard of the disk.
type storage struct {
	cfg          Config // static, as are these
	dir          string
	id           raft.ServerID
	guard        *diskGuard
	lock         *pebble.Lock
	db           *pebble.DB
	commitMarker *commitMarker
	clock        *clock
	created      bool // at this start
}

// open opens everything in the directory, or makes it, and returns for each partition what was answered. After an error
// the caller closes what is open.
func (s *storage) open() (acked []ackedEntries, err error) {
	if s.cfg.Partitions < 1 || s.cfg.Partitions > MaxPartitions {
		return nil, fmt.Errorf("%d slots: there can be 1 to %d", s.cfg.Partitions, MaxPartitions)
	}
	if err := s.openDirectory(); err != nil {
		return nil, err
	}
	if err := s.guard.measure(s.cfg.Reserve); err != nil {
		return nil, err
	}
	if err := s.openPebble(); err != nil {
		return nil, err
	}
	if err := s.identify(); err != nil {
		return nil, err
	}
	if s.clock, err = openClock(s.db, &s.cfg); err != nil {
		return nil, err
	}
	s.commitMarker, acked, err = openCommitMarker(s.guard, s.dir, s.cfg.Partitions, s.cfg.Logger)
	return acked, err
}

// openDirectory makes the directory and locks it, removes what a crash has left of a checkpoint, and notes the rules.
func (s *storage) openDirectory() error {
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
	return rulesFile{s.cfg.Files, s.dir}.add(s.cfg.Rules)
}

func (s *storage) openPebble() (err error) {
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

func (s *storage) options() *pebble.Options {
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
func (s *storage) identify() error {
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

// close closes what is open. Writes that wait for room on the disk fail.
func (s *storage) close() (err error) {
	if s.commitMarker != nil {
		err = s.commitMarker.close()
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
