package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/protocol"
)

// checkpointName is where a checkpoint is while somebody reads it. What a crash leaves of it goes at the next start.
const checkpointName = "checkpoint"

// ofOneLife are the files of a store that belong to the directory in which they are, and that no backup holds: without
// a witness a store that is put in place knows that it is another one (origin.go).
var ofOneLife = []string{commitMarkerName, ballastName, checkpointName, damagedDir, "LOCK"}

// OfOneLife reports whether a file or directory in a store's directory is not to be part of a backup.
func OfOneLife(name string) bool { return slices.Contains(ofOneLife, name) }

var errCheckpoint = &protocol.Refusal{Reason: protocol.Busy, Detail: "another backup is being made", RetryAfter: 10 * time.Second}

// Checkpoint has use read a directory with the store as it is at one moment, and removes that afterwards. It is made of
// hard links, so it costs little time and room, and publishes go on; but what the store removes meanwhile keeps its
// place on the disk until use returns. One at a time: the error is a Busy else, and StorageFull while the disk is full.
func (s *Store) Checkpoint(use func(dir string) error) (err error) {
	if !s.copying.TryLock() {
		return errCheckpoint
	}
	defer s.copying.Unlock()
	if why := s.Room(); why != nil {
		return why
	}
	files := s.cfg.Files
	dir := files.PathJoin(s.dir, checkpointName)
	defer func() { err = errors.Join(err, files.RemoveAll(dir)) }()
	if err := files.RemoveAll(dir); err != nil {
		return err
	}
	if err := s.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	served, err := readRules(files, s.dir)
	if err == nil && len(served) > 0 {
		err = writeRules(files, dir, served...)
	}
	if err != nil {
		return err
	}
	return use(dir)
}

// spare reports whether a file is a checkpoint's: whoever asked for that is told when there is no room, and nothing waits.
func (g *diskGuard) isCheckpoint(name string) bool {
	return strings.HasPrefix(name, g.PathJoin(g.dir, checkpointName))
}

// ErrInUse says that another process has a directory open.
var ErrInUse = errors.New("it is in use by another process")

// Hold does something with a directory while no store is open in it, and lets none open meanwhile. The error is an
// ErrInUse if there is one, and fs.ErrNotExist if there is no directory.
func Hold(dir string, do func() error) error {
	if _, err := vfs.Default.Stat(dir); err != nil {
		return err
	}
	lock, err := pebble.LockDirectory(dir, vfs.Default)
	if err != nil {
		return inUse(err)
	}
	return errors.Join(do(), lock.Close())
}

func inUse(err error) error {
	return fmt.Errorf("%w, or cannot be locked (%w); give each process a directory of its own", ErrInUse, err)
}

// removeIn removes a file of a directory, if it is there, so that it stays removed.
func removeIn(files vfs.FS, dir, name string) error {
	if err := files.Remove(files.PathJoin(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(files, dir)
}
