package durable

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A directory that was put back from a copy looks like one that a crash has left, with all markers and checksums in
// order. It lacks what the store did after the copy was made: the next events would get offsets that other events had,
// and a reader that had received those would be led past the new ones. A process cannot prevent that it is copied, but
// a file can be told from its copies. So the store holds, as its origin, which file its commit marker is (fileID). If
// that is another file, or there is none, these are not the files that the last run wrote: every topic begins a new
// epoch, before anything is read or published. This is so after a restore (a backup has no commit marker), a plain
// copy, a sync by replacement, and a move to another disk. A restart, kill -9, a loss of power and a renamed directory
// leave the commit marker where it is.
//
// Two methods look safer and are not. A new epoch at each start would always be told apart, but a restart is to cost no
// reader its position. A position beyond the newest event would show that the store went back, but its reader may lie,
// and there may be no such reader until the offset is used again.
//
// The store cannot tell what happens below the files: a snapshot of the disk or of the machine that is put back has the
// same inodes. The operator who puts one back has to say so (MarkRestored).

// isCopy reports whether the files are others than those that the store was written in.
func isCopy(db *pebble.DB, m *commitMarker) (bool, error) {
	value, closer, err := db.Get(originKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return true, nil // it is new, from a version that stored none, or has lost entries, which other checks tell
	}
	if err != nil {
		return false, err
	}
	defer closer.Close()
	c := cursor{rest: value}
	version, origin := c.uint8(), c.text()
	return c.failed || version != 1 || origin != fileID(m.file), nil
}

// saveOrigin makes the present files the origin. It is called when every topic has its epoch.
func saveOrigin(db *pebble.DB, m *commitMarker) error {
	return db.Set(originKey, appendText([]byte{1}, fileID(m.file)), pebble.Sync)
}

// MarkRestored tells the store in a directory that it was put back to an earlier state by means that it cannot notice,
// such as a snapshot of a disk: every topic begins a new epoch at the next start. The store must not be open. Errors
// are those of WithLock.
func MarkRestored(dir string) error {
	return WithLock(dir, func() error { return removeFile(vfs.Default, dir, commitMarkerName) })
}
