package durable

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A directory that was put back from a copy looks like one that was left by a crash, with all marks and sums in order.
// What it does not have is what its life did after the copy: the next events would get offsets that other events had,
// and a reader that had heard those would be led past the new ones. A process cannot prevent being copied, but a file
// can be told from its copies: so the store holds, as its origin, which file its witness is (fileID). Another file, or
// none, means that these are not the files that the last life wrote: every topic begins a new epoch, before anything is
// read or published. So it is after a restore (a backup has no witness), a plain copy, a sync by replacement, and a move
// to another disk. A restart, kill -9, a loss of power and a renamed directory leave the witness where it is.
//
// Two things that look safer are not. An epoch for each start would be told apart always, but a restart is to cost no
// reader its place. A position beyond the newest event would show that the store went back, but its reader may lie, and
// there may be none until the offset is used again.
//
// What is below the files cannot be told: a snapshot of the disk or of the machine that is put back has the same inodes.
// Who does that says so (NewLife).

// copied reports whether the files are others than those that the store was written in.
func (s *Store) isCopy() (bool, error) {
	value, closer, err := s.db.Get(originKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return true, nil // it is new, from a version that kept none, or what was lost of it tells already
	}
	if err != nil {
		return false, err
	}
	defer closer.Close()
	c := cursor{rest: value}
	version, origin := c.uint8(), c.text()
	return c.failed || version != 1 || origin != fileID(s.commitMarker.file), nil
}

// settled makes the files at hand the origin, when every topic has its epoch.
func (s *Store) saveOrigin() error {
	return s.db.Set(originKey, appendText([]byte{1}, fileID(s.commitMarker.file)), pebble.Sync)
}

// NewLife tells the store in a directory that nobody has open that it was put back to an earlier state by means that it
// cannot notice, such as a snapshot of a disk: every topic begins a new epoch at the next start. Errors are those of
// Hold.
func NewLife(dir string) error {
	return Hold(dir, func() error { return removeIn(vfs.Default, dir, commitMarkerName) })
}
