package durable

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
)

// host is a machine on whose disk a store is opened again and again.
type host struct {
	suite.Wall
	disk  *vfs.MemFS
	id    string // of its newest start
	up    time.Duration
	log   *logBuffer
	store *Store
}

func newHost(t *testing.T) *host {
	h := &host{disk: vfs.NewCrashableMem(), id: "one", log: &logBuffer{}}
	t.Cleanup(func() {
		if h.store != nil && h.store.db != nil {
			closeStore(t, h.store)
		}
	})
	return h
}

// pass lets time pass while the machine is on, and the store open or not.
func (h *host) pass(d time.Duration) {
	h.Pass(d)
	h.up += d
}

// begin opens the store, after closing the one before it.
func (h *host) begin(t *testing.T) *Store {
	t.Helper()
	if h.store != nil && h.store.db != nil {
		closeStore(t, h.store)
	}
	s, err := Open("data", Config{
		Partitions: 1, Files: h.disk, Reserve: 1 << 20, RetentionEvery: time.Hour, Forget: 3 * time.Hour,
		Logger: h.log.logger(), Clock: h.Now, Boot: func() (string, time.Duration) { return h.id, h.up },
	})
	if err != nil {
		t.Fatal(err)
	}
	h.store = s
	return s
}

// said counts the lines of the log that contain what.
func (h *host) said(what string) int { return strings.Count(h.log.String(), what) }

const (
	distrusted = "the wall clock has leapt"
	removed    = "events of a durable topic were removed"
	forgotten  = "a durable topic was removed with its events"
)

var anHour = Rule{Bounds: history.Bounds{Count: 1000, Bytes: 1 << 20, Age: time.Hour}, Dedup: 10 * time.Minute}

// fill publishes six events, the newest of them with an id, and returns its answer.
func (h *host) fill(t *testing.T) (last history.Outcome) {
	t.Helper()
	room := topic(t, h.store, "room", anHour)
	for i := range 6 {
		last = suite.Add(t, room, suite.Event(t, fmt.Sprint(i+1), 10), true, h.Now())
		if last.Err != nil || last.Duplicate {
			t.Fatalf("event %d: %+v", i+1, last)
		}
	}
	return last
}

// wantAll removes what is too old, and fails unless all six events are there, in their epoch, and the id of the newest
// is recognised.
func (h *host) wantAll(t *testing.T, last history.Outcome) {
	t.Helper()
	h.store.tick(h.Now())
	h.store.removeOld(h.Now())
	room := topic(t, h.store, "room", anHour)
	entries, err := room.Read(0, 100, h.Now())
	if err != nil || len(entries) != 6 || room.Position() != last.Position {
		t.Fatalf("%d events up to %+v are there, 6 up to %+v were answered: %v",
			len(entries), room.Position(), last.Position, err)
	}
	again := suite.Add(t, room, suite.Event(t, "6", 10), true, h.Now())
	if again.Err != nil || !again.Duplicate || again.Position != last.Position {
		t.Fatalf("published again it is %+v, and was %+v", again, last)
	}
}

// wantNone fails unless the events are gone, the id is new, since both are old by now, and one line of the log says so.
func (h *host) wantNone(t *testing.T) {
	t.Helper()
	before := h.said(removed)
	h.store.tick(h.Now())
	h.store.removeOld(h.Now())
	room := topic(t, h.store, "room", anHour)
	_, err := room.Read(0, 100, h.Now())
	if n := countKeys(t, h.store, prefixEvent); !errors.Is(err, history.ErrLost) || n != 0 {
		t.Fatalf("%d events are held behind their age, reading gives %v", n, err)
	}
	if h.said(removed) != before+1 || !h.log.has("topic=room events=6 ") || !h.log.has("age=1h0m0s") {
		t.Errorf("the removal of 6 events is not one line with topic, count and why:\n%s", h.log)
	}
	if again := suite.Add(t, room, suite.Event(t, "6", 10), true, h.Now()); again.Err != nil || again.Duplicate {
		t.Fatalf("behind its window an id is %+v", again)
	}
}
