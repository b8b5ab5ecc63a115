package durable

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/actors/history/suite"
)

// countingFS counts syncs.
type countingFS struct {
	vfs.FS
	count atomic.Int64
}

type countingFile struct {
	vfs.File
	fs *countingFS
}

func (s *countingFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.Create(name, c)
	return &countingFile{f, s}, err
}

func (f *countingFile) Sync() error {
	f.fs.count.Add(1)
	return f.File.Sync()
}

func (f *countingFile) SyncData() error {
	f.fs.count.Add(1)
	return f.File.SyncData()
}

// A publish to a relaxed topic is answered before the disk has it, and the disk is asked once in its window. A publish
// to a strict one waits.
func TestTopic_ARelaxedOneIsAnsweredBeforeTheDiskHasIt(t *testing.T) {
	fs := &countingFS{FS: vfs.NewMem()}
	s := open(t, "data", Config{SyncEvery: time.Hour, Partitions: 1, Files: fs})
	rule := keepAll
	for _, rule.Relaxed = range []bool{false, true} {
		h := topic(t, s, fmt.Sprint(rule.Relaxed), rule)
		before := fs.count.Load()
		for i := range 100 {
			suite.Add(t, h, suite.Event(t, fmt.Sprint(i), 10), false, suite.Begin)
		}
		n := fs.count.Load() - before
		unsynced := s.partitions[0].committer.unsynced.Load()
		if rule.Relaxed != (n == 0) || !rule.Relaxed && n < 100 || unsynced != rule.Relaxed {
			t.Errorf("relaxed %v: %d syncs for 100 publishes", rule.Relaxed, n)
		}
	}
	before := fs.count.Load()
	s.sync(time.Time{})
	s.sync(time.Time{})
	if n := fs.count.Load() - before; n != 1 || s.partitions[0].committer.unsynced.Load() {
		t.Errorf("%d syncs at the end of two windows, of which one has something", n)
	}
}
