package durable

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
)

// changeEvent changes an event in the store behind its back.
func changeEvent(t *testing.T, s *Store, name string, offset uint64, change func([]byte) []byte) {
	t.Helper()
	key := eventKey(s.partitionOf("acme", name).number, "acme", name, offset)
	value, closer, err := s.db.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	value = change(bytes.Clone(value))
	closer.Close()
	if value == nil {
		err = s.db.Delete(key, pebble.Sync)
	} else {
		err = s.db.Set(key, value, pebble.Sync)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A page ends in front of a damaged event, which is named; newer events can be read.
func TestTopic_ReadingStopsAtADamagedEventAndNamesIt(t *testing.T) {
	s := open(t, t.TempDir(), Config{})
	changes := map[string]func([]byte) []byte{
		"a byte of the event":        func(b []byte) []byte { b[len(b)-3] ^= 1; return b },
		"a byte of the sum":          func(b []byte) []byte { b[0] ^= 1; return b },
		"cut short":                  func(b []byte) []byte { return b[:10] },
		"missing":                    func([]byte) []byte { return nil },
		"the one before it":          nil,
		"sealed, but of another one": nil,
	}
	for name, change := range changes {
		h := topic(t, s, name, keepAll)
		for i := range 10 {
			suite.Add(t, h, suite.Event(t, fmt.Sprint(i+1), 100), false, suite.Begin)
		}
		key := func(offset uint64) []byte {
			return eventKey(s.partitionOf("acme", name).number, "acme", name, offset)
		}
		switch name {
		case "the one before it":
			value, closer, _ := s.db.Get(key(4))
			change = func([]byte) []byte { defer closer.Close(); return bytes.Clone(value) }
		case "sealed, but of another one":
			change = func(b []byte) []byte {
				r, _ := decodeRecord(key(5), b)
				r.prev++
				return r.append(nil, key(5))
			}
		}
		changeEvent(t, s, name, 5, change)
		if entries, err := h.Read(0, 100, suite.Begin); err != nil || len(entries) != 4 {
			t.Errorf("%s: the older part has %d, %v", name, len(entries), err)
		}
		var damaged *history.Damaged
		entries, err := h.Read(4, 100, suite.Begin)
		if name != "sealed, but of another one" &&
			(!errors.As(err, &damaged) || damaged.Offset != 5 || damaged.Topic != name || len(entries) != 0) {
			t.Errorf("%s: at the damage %v, %v", name, entries, err)
		}
		if entries, err := h.Read(5, 100, suite.Begin); err != nil || len(entries) != 5 {
			t.Errorf("%s: the newer part has %d, %v", name, len(entries), err)
		}
		if h.Len(suite.Begin) != 10 {
			t.Errorf("%s: its length is %d", name, h.Len(suite.Begin))
		}
	}
}

// A topic whose newest events are damaged drops them when it is opened, says so, and begins a new epoch; the ids of the
// dropped events are new again.
func TestTopic_ADamagedEndIsDroppedAndTheEpochIsNew(t *testing.T) {
	dir, j := t.TempDir(), &logBuffer{}
	s := open(t, dir, Config{Logger: j.logger()})
	h := topic(t, s, "room", keepAll)
	for i := range 10 {
		suite.Add(t, h, suite.Event(t, fmt.Sprint(i+1), 100), true, suite.Begin)
	}
	epoch := h.Position().Epoch
	changeEvent(t, s, "room", 9, func(b []byte) []byte { b[30] ^= 1; return b })
	changeEvent(t, s, "room", 10, func([]byte) []byte { return nil })
	h = topic(t, s, "room", keepAll)
	if p := h.Position(); p.Offset != 8 || p.Epoch == epoch || intactUpTo(t, h) != 8 {
		t.Errorf("it is at %+v, was in %s", p, epoch)
	}
	if !j.has("the newest events of a topic are damaged") || !j.has("kept_up_to=8 newest_was=10") {
		t.Errorf("it says:\n%s", j)
	}
	out := suite.Add(t, h, suite.Event(t, "8", 100), true, suite.Begin)
	if !out.Duplicate || out.Position.Offset != 8 || out.Position.Epoch != epoch {
		t.Errorf("an id that is kept: %+v", out)
	}
	if out := suite.Add(t, h, suite.Event(t, "9", 100), true, suite.Begin); out.Duplicate || out.Position.Offset != 9 {
		t.Errorf("an id that was dropped: %+v", out)
	}
	was := h.Position()
	closeStore(t, s)
	s = open(t, dir, Config{})
	if h = topic(t, s, "room", keepAll); h.Position() != was || intactUpTo(t, h) != 9 {
		t.Errorf("after a restart it is at %+v, was %+v", h.Position(), was)
	}
}

// An event that is intact, but not the one that was answered, is dropped like a damaged one: the head knows its
// checksum.
func TestTopic_AnEndThatTheHeadDoesNotKnowIsDropped(t *testing.T) {
	s := open(t, t.TempDir(), Config{})
	h := topic(t, s, "room", keepAll)
	suite.AddMany(t, h, 1, 10, 100, true, suite.Begin)
	epoch := h.Position().Epoch
	one := s.partitionOf("acme", "room")
	r, err := one.state.record("acme", "room", 10)
	if err != nil {
		t.Fatal(err)
	}
	r.prev ^= 1
	key := eventKey(one.number, "acme", "room", 10)
	if err := s.db.Set(key, r.append(nil, key), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	h = topic(t, s, "room", keepAll)
	if p := h.Position(); p.Offset != 9 || p.Epoch == epoch || intactUpTo(t, h) != 9 {
		t.Errorf("it is at %+v, was in %s", p, epoch)
	}
}

func TestTopic_ADamagedHeadIsMadeAgainFromTheEvents(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Config{})
	h := topic(t, s, "room", keepAll)
	for i := range 10 {
		suite.Add(t, h, suite.Event(t, fmt.Sprint(i+1), 100), true, suite.Begin)
	}
	epoch := h.Position().Epoch
	key := headKey(s.partitionOf("acme", "room").number, "acme", "room")
	if err := s.db.Set(key, []byte("nonsense"), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = open(t, dir, Config{})
	h = topic(t, s, "room", keepAll)
	if p := h.Position(); p.Offset != 10 || p.Epoch == epoch || intactUpTo(t, h) != 10 {
		t.Errorf("it is at %+v, was in %s", p, epoch)
	}
	out := suite.Add(t, h, suite.Event(t, "11", 100), true, suite.Begin)
	if out.Position.Offset != 11 || intactUpTo(t, h) != 11 {
		t.Errorf("it goes on at %+v", out)
	}
}
