package durable

import (
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/parley-realtime/parley/actors/history/suite"
)

// Damage in entries that the state machine has applied, or behind them: the partition starts with what is applied.
func TestStore_ADamagedEntryOfTheRaftLogDoesNotStopAGroupOfOne(t *testing.T) {
	dir, epoch := storeWith(t, 50)
	j := &logBuffer{}
	s := open(t, dir, Config{Partitions: 1, Logger: j.logger()})
	last, _ := s.partitions[0].log.LastIndex()
	if err := s.db.Set(numberedKey(prefixLog, 0, last-20), nil, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = open(t, dir, Config{Partitions: 1, Logger: j.logger()})
	h := topic(t, s, "room", keepAll)
	if h.Position().Epoch != epoch || intactUpTo(t, h) != 50 {
		t.Errorf("it is at %+v, was in %s:\n%s", h.Position(), epoch, j)
	}
	if !j.has("the log of a slot is damaged and begins anew") {
		t.Errorf("it says:\n%s", j)
	}
	if out := suite.Add(t, h, suite.Event(t, "51", 100), true, suite.Begin); out.Position.Offset != 51 {
		t.Errorf("it goes on at %+v", out)
	}
	closeStore(t, s)
	s = open(t, dir, Config{Partitions: 1})
	if h = topic(t, s, "room", keepAll); h.Position().Epoch != epoch || intactUpTo(t, h) != 51 {
		t.Errorf("after a restart it is at %+v", h.Position())
	}
}
