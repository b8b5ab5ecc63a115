package durable

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
)

// F1, F2: a wall clock is set forwards and back while the store is open. The events that are not old are there, an id
// in its window is recognised, and an event goes when it becomes old.
func TestClock_AStepWhileTheStoreIsOpenChangesNothing(t *testing.T) {
	for _, step := range suite.Steps {
		t.Run(step.String(), func(t *testing.T) {
			h := newHost(t)
			h.begin(t)
			last := h.fill(t)
			for _, ahead := range []time.Duration{step, 0, step} {
				h.Set(ahead)
				h.pass(3 * time.Minute)
				h.wantAll(t, last)
			}
			h.pass(52 * time.Minute)
			h.wantNone(t)
			if want := min(1, int(step.Abs()/minLeap)); h.said(distrusted) != want {
				t.Errorf("the step is said %d times, want %d:\n%s", h.said(distrusted), want, h.log)
			}
		})
	}
}

// F1, F2: a store is opened while the wall clock is wrong, at its first start or a later one, and again when it is
// right.
func TestClock_AWrongOneAtTheStartChangesNothing(t *testing.T) {
	for _, step := range suite.Steps {
		for _, wrong := range [][3]time.Duration{{0, step, 0}, {step, 0, step}} {
			for _, reboots := range []bool{false, true} {
				t.Run(fmt.Sprint(wrong, reboots), func(t *testing.T) {
					h := newHost(t)
					var last history.Outcome
					for life, ahead := range wrong {
						if reboots {
							h.id, h.up = fmt.Sprint("start ", life), 0
						}
						h.Set(ahead)
						h.begin(t)
						if life == 0 {
							last = h.fill(t)
						}
						h.wantAll(t, last)
						h.pass(3 * time.Minute)
						h.wantAll(t, last)
					}
					h.pass(52 * time.Minute)
					h.wantNone(t)
					if want := min(1, int(step.Abs()/minLeap)); min(1, h.said(distrusted)) != want {
						t.Errorf("a wrong clock is said %d times:\n%s", h.said(distrusted), h.log)
					}
				})
			}
		}
	}
}

// F2: each of many ids is recognised, while the wall clock jumps between all its steps and over the edges of five
// minutes.
func TestClock_IDsAreRecognisedUnderLoadWhileTheClockJumps(t *testing.T) {
	h := newHost(t)
	h.begin(t)
	bounds := history.Bounds{Count: 10_000, Bytes: 1 << 24, Age: time.Hour}
	room := topic(t, h.store, "room", Rule{Bounds: bounds, Dedup: 10 * time.Minute})
	var all []history.Outcome
	window := int(10 * time.Minute / (2 * time.Second)) // in events
	for i := range rounds(450, 900) {
		h.Set(suite.Steps[i%len(suite.Steps)])
		h.pass(2 * time.Second)
		out := suite.Add(t, room, suite.Event(t, fmt.Sprint(i), 10), true, h.Now())
		if out.Err != nil || out.Duplicate || out.Position.Offset != uint64(i)+1 {
			t.Fatalf("event %d: %+v", i, out)
		}
		all = append(all, out)
		oldest := max(0, i-window)
		h.Set(suite.Steps[(i+5)%len(suite.Steps)])
		for _, j := range []int{oldest, (oldest + i) / 2, i} {
			again := suite.Add(t, room, suite.Event(t, fmt.Sprint(j), 10), true, h.Now())
			if !again.Duplicate || again.Position != all[j].Position {
				t.Fatalf("event %d again, after event %d: %+v", j, i, again)
			}
		}
	}
	if entries, err := room.Read(0, 10_000, h.Now()); err != nil || len(entries) != len(all) {
		t.Errorf("%d of %d events are there: %v", len(entries), len(all), err)
	}
}

// The time that the process or the machine sleeps counts, as long as the machine knows of it. While the machine was
// off, or the store elsewhere, only the wall clock tells of the time, and it does not count. In either case old events
// go in the end.
func TestClock_CountsTheTimeBetweenTwoLivesAsFarAsItIsKnown(t *testing.T) {
	for name, between := range map[string]func(*host) (counted time.Duration){
		"it was ended for 50 minutes": func(h *host) time.Duration {
			h.pass(50 * time.Minute)
			return 50 * time.Minute
		},
		"the machine was off for 50 minutes": func(h *host) time.Duration {
			h.Pass(50 * time.Minute)
			h.id, h.up = "two", time.Minute
			return 0
		},
		"the machine was on for longer, but off in between": func(h *host) time.Duration {
			h.Pass(50 * time.Minute)
			h.id, h.up = "two", h.up+50*time.Minute
			return 0
		},
		"the machine does not tell its start": func(h *host) time.Duration {
			h.Pass(50 * time.Minute)
			h.id = ""
			return 0
		},
		"its uptime leaps alone": func(h *host) time.Duration { h.up += 400 * 24 * time.Hour; return 0 },
		"its uptime goes back": func(h *host) time.Duration {
			h.up = 0
			h.Pass(50 * time.Minute)
			return 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.up = time.Hour
			h.begin(t)
			h.fill(t)
			closeStore(t, h.store)
			counted := between(h)
			h.begin(t)
			h.pass(59*time.Minute - counted)
			h.store.removeOld(h.Now())
			if n := countKeys(t, h.store, prefixEvent); n != 6 {
				t.Fatalf("%d events are held in front of their age", n)
			}
			h.pass(time.Minute + time.Second)
			h.wantNone(t)
		})
	}
}

// A machine sleeps while the store is open: the time that it tells of counts once.
func TestClock_CountsTheSleepOfTheMachine(t *testing.T) {
	h := newHost(t)
	s := h.begin(t)
	h.fill(t)
	h.Set(50 * time.Minute) // the monotonic clock stood still meanwhile
	h.up += 50 * time.Minute
	s.tick(h.Now())
	h.pass(9 * time.Minute)
	s.tick(h.Now())
	if n := topic(t, s, "room", anHour).Len(h.Now()); n != 6 {
		t.Errorf("%d events are there in front of their age", n)
	}
	h.pass(time.Minute + time.Second)
	h.wantNone(t)
}

// The clock of a process that is killed again and again goes on from where it was written down.
func TestClock_GoesOnAfterAKill(t *testing.T) {
	h := newHost(t)
	h.id = "" // nothing else tells the store of the time
	h.begin(t)
	h.fill(t)
	for range 7 {
		h.pass(9 * time.Minute)
		h.store.tick(h.Now())
		at := h.store.clock.at(h.Now())
		if err := h.store.db.LogData(nil, pebble.Sync); err != nil {
			t.Fatal(err)
		}
		h.disk = h.disk.CrashClone(vfs.CrashCloneCfg{})
		h.begin(t)
		if now := h.store.clock.at(h.Now()); now < at {
			t.Errorf("after a kill it is %s earlier", time.Duration(at-now))
		}
	}
	h.wantNone(t)
}

// A store without a clock, from a version that had none, begins at its newest event, and not later.
func TestClock_BeginsAtTheNewestEventIfItIsNotKnown(t *testing.T) {
	for _, step := range suite.Steps {
		t.Run(step.String(), func(t *testing.T) {
			h := newHost(t)
			s := h.begin(t)
			last := h.fill(t)
			closeWithoutClock(t, s)
			h.Set(step)
			h.begin(t)
			h.wantAll(t, last)
		})
	}
}

// closeWithoutClock closes a store and removes its clock.
func closeWithoutClock(t *testing.T, s *Store) {
	t.Helper()
	fs := s.cfg.Files
	closeStore(t, s)
	db, err := pebble.Open("data", &pebble.Options{FS: fs, FormatMajorVersion: pebble.FormatTableFormatV6})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Delete(clockKey, pebble.Sync), db.Close()); err != nil {
		t.Fatal(err)
	}
}
