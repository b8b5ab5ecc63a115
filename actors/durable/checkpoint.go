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

// checkpointName is where a checkpoint is while somebody reads it. The next start removes what a crash leaves there.
const checkpointName = "checkpoint"

// instanceFiles are the files of a store that belong to the directory in which they are, and that no backup holds. A
// store that is put in place without a commit marker knows that it is a copy (origin.go).
var instanceFiles = []string{commitMarkerName, ballastName, checkpointName, damagedDir, "LOCK"}

// ExcludedFromBackup reports whether a backup leaves out a file or directory of this name in a store's directory.
func ExcludedFromBackup(name string) bool { return slices.Contains(instanceFiles, name) }

var errCheckpoint = &protocol.Refusal{
	Reason: protocol.Busy, Detail: "another backup is being made", RetryAfter: 10 * time.Second,
}

// Checkpoint calls use with a directory that holds the store as it is at one moment, and removes the directory
// afterwards. The checkpoint is made of hard links, so it costs little time and room, and publishes go on; but what the
// store removes meanwhile takes up room until use returns. There is one at a time: a second one gets a Busy. The error
// is a StorageFull while the disk is full, and otherwise that of use or of the disk.
func (s *Store) Checkpoint(use func(dir string) error) (err error) {
	if !s.checkpointing.TryLock() {
		return errCheckpoint
	}
	defer s.checkpointing.Unlock()
	if refusal := s.DiskFull(); refusal != nil {
		return refusal
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

// isCheckpoint reports whether a file is a checkpoint's. Its writes do not wait for room: the caller of Checkpoint gets
// the error.
func (g *diskGuard) isCheckpoint(name string) bool {
	return strings.HasPrefix(name, g.PathJoin(g.dir, checkpointName))
}

// ErrInUse says that another process has a directory open.
var ErrInUse = errors.New("it is in use by another process")

// WithLock calls do while no store is open in a directory, and keeps the directory locked meanwhile. The error is an
// ErrInUse if a store is open in it, fs.ErrNotExist if there is no directory, and otherwise that of do.
func WithLock(dir string, do func() error) error {
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

// removeFile removes a file of a directory, if it is there, and syncs the directory, so that the file stays removed.
func removeFile(files vfs.FS, dir, name string) error {
	if err := files.Remove(files.PathJoin(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(files, dir)
}
