package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// The files in a store's directory that are not Pebble's.
const (
	commitMarkerName = "witness"
	ballastName      = "ballast"
	rulesName        = "rules"
	checkpointName   = "checkpoint" // while somebody reads it; the next start removes what a crash leaves there
	damagedDir       = "damaged"    // what recoverWAL cuts off; the next cut replaces it
)

// instanceFiles are the files of a store that belong to the directory in which they are, and that no backup holds. A
// store that is put in place without a commit marker knows that it is a copy (origin.go).
var instanceFiles = []string{commitMarkerName, ballastName, checkpointName, damagedDir, "LOCK"}

// ExcludedFromBackup reports whether a backup leaves out a file or directory of this name in a store's directory.
func ExcludedFromBackup(name string) bool { return slices.Contains(instanceFiles, name) }

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

// syncDir has the disk keep the names in a directory as they are.
func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
