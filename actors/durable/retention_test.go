package durable

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
)

// countKeys counts the keys with a prefix in the whole store.
func countKeys(t *testing.T, s *Store, prefix byte) (n int) {
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

// The disk holds at most twice what a topic retains, and a little.
func TestTopic_WhatIsForgottenLeavesTheDisk(t *testing.T) {
	s := open(t, t.TempDir(), Config{})
	for name, rule := range map[string]Rule{
		"count": {Bounds: history.Bounds{Count: 100, Bytes: 1 << 30}},
		"bytes": {Bounds: history.Bounds{Count: 1 << 30, Bytes: 100 * (100 + 8 + suite.Overhead)}},
	} {
		before := countKeys(t, s, prefixEvent)
		h := topic(t, s, name, rule)
		for i := range 30 {
			suite.AddMany(t, h, 100*i, 100, 100, false, suite.Begin)
		}
		if n := h.Len(suite.Begin); n != 100 {
			t.Errorf("%s: %d are remembered", name, n)
		}
		if n := countKeys(t, s, prefixEvent) - before; n > 100+2*trimCount+100 {
			t.Errorf("%s: %d are held", name, n)
		}
	}
}

// Events that are too old go, topics that are long unused go with them, and come back in a new epoch.
func TestStore_RemovesWhatIsTooOldFromTopicsThatNobodyUses(t *testing.T) {
	s := open(t, t.TempDir(), Config{Forget: 24 * time.Hour})
	rule := Rule{Bounds: history.Bounds{Count: 100, Bytes: 1 << 20, Age: time.Hour}, Dedup: time.Minute}
	h := topic(t, s, "room", rule)
	for i := range 10 {
		suite.Add(t, h, suite.Event(t, fmt.Sprint(i), 10), false, suite.Begin.Add(time.Duration(i)*time.Minute))
	}
	s.removeOld(suite.Begin.Add(64*time.Minute + 1))
	if n := countKeys(t, s, prefixEvent); n != 5 {
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
	if events, heads := countKeys(t, s, prefixEvent), countKeys(t, s, prefixHead); events != 0 || heads != 0 {
		t.Errorf("%d events and %d topics are held", events, heads)
	}
	was := h.Position()
	out := suite.Add(t, h, suite.Event(t, "x", 10), false, suite.Begin.Add(26*time.Hour))
	if out.Position.Epoch == was.Epoch || out.Position.Offset != 1 || h.Position() != out.Position {
		t.Errorf("it comes back at %+v, was %+v", out, was)
	}
	if entries, err := h.Read(0, 10, suite.Begin.Add(26*time.Hour)); err != nil || len(entries) != 1 {
		t.Errorf("%d, %v", len(entries), err)
	}
	if again := topic(t, s, "room", rule); again.Position() != h.Position() {
		t.Errorf("it is at %+v and %+v", again.Position(), h.Position())
	}
}

// F1: a topic that goes with the events that it still had is a line in the log, and one that had none is not.
func TestStore_ATopicThatIsForgottenWithItsEventsIsSaid(t *testing.T) {
	h := newHost(t)
	s := h.begin(t)
	h.fill(t)
	suite.Add(t, topic(t, s, "quiet", anHour), suite.Event(t, "1", 10), true, h.Now())
	h.pass(3*time.Hour + time.Second)
	s.removeOld(h.Now())
	if countKeys(t, s, prefixHead) != 0 || h.said(forgotten) != 1 || !h.log.has("topic=room events=6 ") {
		t.Errorf("%d topics are held; the log says\n%s", countKeys(t, s, prefixHead), h.log)
	}
}

// F1: a busy topic logs what it removes for its age, and not what it removes because there is too much.
func TestTopic_ABusyOneSaysWhatItRemovesForItsAge(t *testing.T) {
	h := newHost(t)
	s := h.begin(t)
	for name, rule := range map[string]Rule{
		"aged": {Bounds: history.Bounds{Count: 600, Bytes: 1 << 20, Age: time.Minute}},
		"many": {Bounds: history.Bounds{Count: 600, Bytes: 1 << 20, Age: time.Hour}},
	} {
		room := topic(t, s, name, rule)
		for i := range 3 * trimCount {
			h.pass(200 * time.Millisecond)
			suite.Add(t, room, suite.Event(t, fmt.Sprint(i), 10), false, h.Now())
		}
	}
	if err := s.partitions[0].queue.await(&operation{op: opProbe}); err != nil { // behind the trims
		t.Fatal(err)
	}
	if !h.log.has("topic=aged events=") || h.log.has("topic=many") {
		t.Errorf("the log says\n%s", h.log)
	}
}
