package durable

import (
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// These methods make diskGuard a vfs.FS whose writes wait for room. Compactions do not wait, since Pebble removes what
// they have written when they fail; they pause, or Pebble would try again at once. Checkpoints do not wait, since their
// caller gets the error.

// compactionCategory is Pebble's category of what a compaction writes.
const compactionCategory = "pebble-compaction"

func (g *diskGuard) Create(name string, category vfs.DiskWriteCategory) (f vfs.File, err error) {
	if g.isCheckpoint(name) {
		return g.FS.Create(name, category)
	}
	err = g.retryWhileFull(func() error { f, err = g.FS.Create(name, category); return err })
	return g.file(f, category, err)
}

func (g *diskGuard) OpenReadWrite(
	name string, category vfs.DiskWriteCategory, o ...vfs.OpenOption,
) (f vfs.File, err error) {
	err = g.retryWhileFull(func() error { f, err = g.FS.OpenReadWrite(name, category, o...); return err })
	return g.file(f, category, err)
}

func (g *diskGuard) ReuseForWrite(old, name string, category vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = g.retryWhileFull(func() error { f, err = g.FS.ReuseForWrite(old, name, category); return err })
	return g.file(f, category, err)
}

func (g *diskGuard) Link(old, name string) error {
	if g.isCheckpoint(name) {
		return g.FS.Link(old, name)
	}
	return g.retryWhileFull(func() error { return g.FS.Link(old, name) })
}

func (g *diskGuard) Rename(old, name string) error {
	if g.isCheckpoint(name) {
		return g.FS.Rename(old, name)
	}
	return g.retryWhileFull(func() error { return g.FS.Rename(old, name) })
}

func (g *diskGuard) MkdirAll(dir string, mode fs.FileMode) error {
	if g.isCheckpoint(dir) {
		return g.FS.MkdirAll(dir, mode)
	}
	return g.retryWhileFull(func() error { return g.FS.MkdirAll(dir, mode) })
}

// isCheckpoint reports whether a file is a checkpoint's.
func (g *diskGuard) isCheckpoint(name string) bool {
	return strings.HasPrefix(name, g.PathJoin(g.dir, checkpointName))
}

func (g *diskGuard) Unwrap() vfs.FS { return g.FS }

func (g *diskGuard) file(f vfs.File, category vfs.DiskWriteCategory, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &guardedFile{File: f, guard: g, compaction: category == compactionCategory}, nil
}

// guardedFile is a file of the store that is written.
type guardedFile struct {
	vfs.File
	guard      *diskGuard
	compaction bool // it gets the error when there is no room
}

func (f *guardedFile) Write(p []byte) (n int, err error) {
	if f.compaction {
		if n, err = f.File.Write(p); vfs.IsNoSpaceError(err) {
			f.guard.releaseBallast()
			f.guard.waitRetry()
		}
		return n, err
	}
	err = f.guard.retryWhileFull(func() error {
		wrote, err := f.File.Write(p[n:])
		n += wrote
		return err
	})
	return n, err
}

func (f *guardedFile) WriteAt(p []byte, at int64) (n int, err error) {
	err = f.guard.retryWhileFull(func() error { n, err = f.File.WriteAt(p, at); return err })
	return n, err
}
