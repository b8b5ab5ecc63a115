package durable

import (
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// What follows is vfs.FS with insistence. Compactions do not insist, since what they have written is removed when they
// fail; they pause, or Pebble would try again at once. Nor does a checkpoint, whose caller is told.

// compaction is Pebble's word for what a compaction writes.
const compaction = "pebble-compaction"

func (s *space) Create(name string, category vfs.DiskWriteCategory) (f vfs.File, err error) {
	if s.spare(name) {
		return s.FS.Create(name, category)
	}
	err = s.insist(func() error { f, err = s.FS.Create(name, category); return err })
	return s.file(f, category, err)
}

func (s *space) OpenReadWrite(name string, category vfs.DiskWriteCategory, o ...vfs.OpenOption) (f vfs.File, err error) {
	err = s.insist(func() error { f, err = s.FS.OpenReadWrite(name, category, o...); return err })
	return s.file(f, category, err)
}

func (s *space) ReuseForWrite(old, name string, category vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = s.insist(func() error { f, err = s.FS.ReuseForWrite(old, name, category); return err })
	return s.file(f, category, err)
}

func (s *space) Link(old, name string) error {
	if s.spare(name) {
		return s.FS.Link(old, name)
	}
	return s.insist(func() error { return s.FS.Link(old, name) })
}

func (s *space) Rename(old, name string) error {
	if s.spare(name) {
		return s.FS.Rename(old, name)
	}
	return s.insist(func() error { return s.FS.Rename(old, name) })
}

func (s *space) MkdirAll(dir string, mode fs.FileMode) error {
	if s.spare(dir) {
		return s.FS.MkdirAll(dir, mode)
	}
	return s.insist(func() error { return s.FS.MkdirAll(dir, mode) })
}

func (s *space) Unwrap() vfs.FS { return s.FS }

func (s *space) file(f vfs.File, category vfs.DiskWriteCategory, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &file{File: f, space: s, patient: category == compaction}, nil
}

// file is a file of the store that is written.
type file struct {
	vfs.File
	space   *space
	patient bool // it is told when there is no room
}

func (f *file) Write(p []byte) (n int, err error) {
	if f.patient {
		if n, err = f.File.Write(p); vfs.IsNoSpaceError(err) {
			f.space.unload()
			f.space.pause()
		}
		return n, err
	}
	err = f.space.insist(func() error {
		wrote, err := f.File.Write(p[n:])
		n += wrote
		return err
	})
	return n, err
}

func (f *file) WriteAt(p []byte, at int64) (n int, err error) {
	err = f.space.insist(func() error { n, err = f.File.WriteAt(p, at); return err })
	return n, err
}
