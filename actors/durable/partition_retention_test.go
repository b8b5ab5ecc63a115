package durable

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
	"github.com/parley-realtime/parley/protocol"
)

// held counts the keys of a letter in the whole store.
func held(t *testing.T, s *Store, prefix byte) (n int) {
	t.Helper()
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	return n
}

// The disk holds at most twice what a topic remembers, and a little.
func TestTopic_WhatIsForgottenLeavesTheDisk(t *testing.T) {
	s := open(t, t.TempDir(), Config{})
	for name, rule := range map[string]Rule{
		"count": {Bounds: history.Bounds{Count: 100, Bytes: 1 << 30}},
		"bytes": {Bounds: history.Bounds{Count: 1 << 30, Bytes: 100 * (100 + 8 + suite.Overhead)}},
	} {
		before := held(t, s, prefixEvent)
		h := topic(t, s, name, rule)
		for i := range 30 {
			suite.AddMany(t, h, 100*i, 100, 100, false, suite.Begin)
		}
		if n := h.Len(suite.Begin); n != 100 {
			t.Errorf("%s: %d are remembered", name, n)
		}
		if n := held(t, s, prefixEvent) - before; n > 100+2*trimCount+100 {
			t.Errorf("%s: %d are held", name, n)
		}
	}
}

// Events that are too old go, topics that are long unused go with them, and come back in a new epoch.
func TestStore_SweepsTopicsThatNobodyUses(t *testing.T) {
	s := open(t, t.TempDir(), Config{Forget: 24 * time.Hour})
	rule := Rule{Bounds: history.Bounds{Count: 100, Bytes: 1 << 20, Age: time.Hour}, Dedup: time.Minute}
	h := topic(t, s, "room", rule)
	for i := range 10 {
		suite.Add(t, h, suite.Event(t, fmt.Sprint(i), 10), false, suite.Begin.Add(time.Duration(i)*time.Minute))
	}
	s.removeOld(suite.Begin.Add(64*time.Minute + 1))
	if n := held(t, s, prefixEvent); n != 5 {
		t.Errorf("%d events are held, 5 are not too old", n)
	}
	if entries, err := h.Read(5, 100, suite.Begin.Add(64*time.Minute)); err != nil || len(entries) != 5 {
		t.Errorf("%d, %v", len(entries), err)
	}
	if _, err := h.Read(2, 100, suite.Begin); !errors.Is(err, history.ErrLost) {
		t.Errorf("a removed event is not missed: %v", err)
	}
	s.removeOld(suite.Begin.Add(25 * time.Hour))
	s.removeOld(suite.Begin.Add(25 * time.Hour))
	if events, heads := held(t, s, prefixEvent), held(t, s, prefixHead); events != 0 || heads != 0 {
		t.Errorf("%d events and %d topics are held", events, heads)
	}
	was := h.Position()
	if out := suite.Add(t, h, suite.Event(t, "x", 10), false, suite.Begin.Add(26*time.Hour)); out.Position.Epoch == was.Epoch || out.Position.Offset != 1 || h.Position() != out.Position {
		t.Errorf("it comes back at %+v, was %+v", out, was)
	}
	if entries, err := h.Read(0, 10, suite.Begin.Add(26*time.Hour)); err != nil || len(entries) != 1 {
		t.Errorf("%d, %v", len(entries), err)
	}
	if again := topic(t, s, "room", rule); again.Position() != h.Position() {
		t.Errorf("it is at %+v and %+v", again.Position(), h.Position())
	}
}

func TestStore_IdsLeaveTheDiskInTime(t *testing.T) {
	s := open(t, t.TempDir(), Config{Slots: 1})
	h := topic(t, s, "room", keepAll)
	for i := range 100 {
		suite.Add(t, h, suite.Event(t, fmt.Sprint(i), 10), true, suite.Begin.Add(time.Duration(i)*time.Minute))
	}
	if n := held(t, s, prefixID); n < 60 || n > 80 {
		t.Errorf("%d ids of 100 minutes are held", n)
	}
}

// A queue that is full refuses, at once, and what was taken is answered.
func TestQueue_IsBoundedInCountAndBytes(t *testing.T) {
	for name, size := range map[string]int{"count": 10, "bytes": 1 << 20} {
		q := newQueue()
		taken := 0
		for q.put(request{operation: make([]byte, size)}) == nil {
			taken++
		}
		if want := min(queueCount, queueBytes/size); taken != want {
			t.Errorf("%s: %d are taken, want %d", name, taken, want)
		}
		if refusal := protocol.AsRefusal(q.put(request{operation: make([]byte, size)})); refusal.Reason != protocol.Busy || refusal.RetryAfter == 0 {
			t.Errorf("%s: %+v", name, refusal)
		}
		for left := taken; left > 0; {
			batch := q.take(nil)
			if len(batch) > batchCount || len(batch) > 1 && len(batch)*size > batchBytes || len(batch) == 0 {
				t.Fatalf("%s: a batch of %d", name, len(batch))
			}
			left -= len(batch)
		}
		if q.put(request{operation: make([]byte, 2*queueBytes)}) != nil { // an empty queue takes what is larger than it
			t.Errorf("%s: a large one is refused", name)
		}
		q.close()
		if len(q.take(nil)) != 1 || len(q.take(nil)) != 0 {
			t.Errorf("%s: the end comes before what waits", name)
		}
		if refusal := protocol.AsRefusal(q.put(request{})); refusal.Reason != protocol.Draining {
			t.Errorf("%s: %+v", name, refusal)
		}
	}
}

// syncs counts what reaches the disk.
type syncs struct {
	vfs.FS
	count atomic.Int64
}

type syncsFile struct {
	vfs.File
	syncs *syncs
}

func (s *syncs) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.Create(name, c)
	return &syncsFile{f, s}, err
}

func (f *syncsFile) Sync() error {
	f.syncs.count.Add(1)
	return f.File.Sync()
}

func (f *syncsFile) SyncData() error {
	f.syncs.count.Add(1)
	return f.File.SyncData()
}

// A relaxed topic is answered before the disk has it, which is then asked once in its window; a strict one waits.
func TestTopic_ARelaxedOneIsAnsweredBeforeTheDiskHasIt(t *testing.T) {
	fs := &syncs{FS: vfs.NewMem()}
	s := open(t, "data", Config{SyncEvery: time.Hour, Slots: 1, Files: fs})
	rule := keepAll
	for _, rule.Relaxed = range []bool{false, true} {
		h := topic(t, s, fmt.Sprint(rule.Relaxed), rule)
		before := fs.count.Load()
		for i := range 100 {
			suite.Add(t, h, suite.Event(t, fmt.Sprint(i), 10), false, suite.Begin)
		}
		if n := fs.count.Load() - before; rule.Relaxed != (n == 0) || !rule.Relaxed && n < 100 || s.partitions[0].unsynced.Load() != rule.Relaxed {
			t.Errorf("relaxed %v: %d syncs for 100 publishes", rule.Relaxed, n)
		}
	}
	before := fs.count.Load()
	s.sync(time.Time{})
	s.sync(time.Time{})
	if n := fs.count.Load() - before; n != 1 || s.partitions[0].unsynced.Load() {
		t.Errorf("%d syncs at the end of two windows, of which one has something", n)
	}
}
