package durable

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
)

// host is a machine on whose disk a store has its lives.
type host struct {
	suite.Wall
	disk  *vfs.MemFS
	id    string // of its start
	up    time.Duration
	log   *journal
	store *Store
}

func newHost(t *testing.T) *host {
	h := &host{disk: vfs.NewCrashableMem(), id: "one", log: &journal{}}
	t.Cleanup(func() {
		if h.store != nil && h.store.db != nil {
			shut(t, h.store)
		}
	})
	return h
}

// pass lets time pass while the store is open, or not, and the machine on.
func (h *host) pass(d time.Duration) {
	h.Pass(d)
	h.up += d
}

// begin begins a life of the store; the one before it is ended.
func (h *host) begin(t *testing.T) *Store {
	t.Helper()
	if h.store != nil && h.store.db != nil {
		shut(t, h.store)
	}
	s, err := Open("data", Config{Slots: 1, Files: h.disk, Reserve: 1 << 20, SweepEvery: time.Hour, Forget: 3 * time.Hour,
		Logger: h.log.logger(), Clock: h.Now, Boot: func() (string, time.Duration) { return h.id, h.up }})
	if err != nil {
		t.Fatal(err)
	}
	h.store = s
	return s
}

// said counts lines of the log.
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

// wantAll removes what is too old, and wants all six events there, in their epoch, and the id of the newest recognised.
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

// wantNone wants the events gone, and the id new, since they are old by now; and a line that says so.
func (h *host) wantNone(t *testing.T) {
	t.Helper()
	before := h.said(removed)
	h.store.tick(h.Now())
	h.store.removeOld(h.Now())
	room := topic(t, h.store, "room", anHour)
	if _, err := room.Read(0, 100, h.Now()); !errors.Is(err, history.ErrLost) || held(t, h.store, prefixEvent) != 0 {
		t.Fatalf("%d events are held behind their age, reading gives %v", held(t, h.store, prefixEvent), err)
	}
	if h.said(removed) != before+1 || !h.log.has("topic=room events=6 ") || !h.log.has("age=1h0m0s") {
		t.Errorf("the removal of 6 events is not one line with topic, count and why:\n%s", h.log)
	}
	if again := suite.Add(t, room, suite.Event(t, "6", 10), true, h.Now()); again.Err != nil || again.Duplicate {
		t.Fatalf("behind its window an id is %+v", again)
	}
}

// F1, F2: a wall clock is set forwards and back while the store is open. What is not old is there, an id in its window
// is recognised, and what becomes old goes when it does.
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

// F1, F2: a store is opened while the wall clock is wrong, in its first life or a later one, and again when it is
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

// F2: even if what an entry says goes back, as from one leader to the next, an id in its window is recognised.
func TestMachine_AnEntryThatSaysAnEarlierTimeRecognisesTheSameIDs(t *testing.T) {
	s := open(t, t.TempDir(), Config{Slots: 1})
	room := topic(t, s, "room", keepAll)
	edge := suite.Begin.Add(5 * bucketSpan)
	first := suite.Add(t, room, suite.Event(t, "a", 10), true, edge.Add(time.Second))
	for _, back := range suite.Steps {
		if back > 0 {
			continue
		}
		again := suite.Add(t, room, suite.Event(t, "a", 10), true, edge.Add(back))
		if !again.Duplicate || again.Position != first.Position {
			t.Errorf("%s in front of the edge: %+v, was %+v", -back, again, first)
		}
	}
}

// Time in which the process or the machine sleeps counts, as long as the machine knows of it; while it was off, or
// elsewhere, what only the wall clock tells of does not. In either case what is old goes in the end.
func TestClock_CountsTheTimeBetweenTwoLivesAsFarAsItIsKnown(t *testing.T) {
	for name, between := range map[string]func(*host) (counted time.Duration){
		"it was ended for 50 minutes": func(h *host) time.Duration { h.pass(50 * time.Minute); return 50 * time.Minute },
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
		"the machine does not tell its start": func(h *host) time.Duration { h.Pass(50 * time.Minute); h.id = ""; return 0 },
		"its uptime leaps alone":              func(h *host) time.Duration { h.up += 400 * 24 * time.Hour; return 0 },
		"its uptime goes back":                func(h *host) time.Duration { h.up = 0; h.Pass(50 * time.Minute); return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.up = time.Hour
			h.begin(t)
			h.fill(t)
			shut(t, h.store)
			counted := between(h)
			h.begin(t)
			h.pass(59*time.Minute - counted)
			h.store.removeOld(h.Now())
			if n := held(t, h.store, prefixEvent); n != 6 {
				t.Fatalf("%d events are held in front of their age", n)
			}
			h.pass(time.Minute + time.Second)
			h.wantNone(t)
		})
	}
}

// A machine that sleeps while the store is open: what it says of that counts once.
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

// A process that is killed again and again goes on from where its clock was written down.
func TestClock_GoesOnAfterAKill(t *testing.T) {
	h := newHost(t)
	h.id = "" // nothing else tells it of the time
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

// A store without a clock, as one from before there was one, begins where its newest event is, and not later.
func TestClock_BeginsAtTheNewestEventIfItIsNotKnown(t *testing.T) {
	for _, step := range suite.Steps {
		t.Run(step.String(), func(t *testing.T) {
			h := newHost(t)
			s := h.begin(t)
			last := h.fill(t)
			shutWithout(t, s)
			h.Set(step)
			h.begin(t)
			h.wantAll(t, last)
		})
	}
}

// shutWithout closes a store whose clock is lost.
func shutWithout(t *testing.T, s *Store) {
	t.Helper()
	fs := s.cfg.Files
	shut(t, s)
	db, err := pebble.Open("data", &pebble.Options{FS: fs, FormatMajorVersion: pebble.FormatTableFormatV6})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Delete(clockKey, pebble.Sync), db.Close()); err != nil {
		t.Fatal(err)
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
	if held(t, s, prefixHead) != 0 || h.said(forgotten) != 1 || !h.log.has("topic=room events=6 ") {
		t.Errorf("%d topics are held; the log says\n%s", held(t, s, prefixHead), h.log)
	}
}

// F1: a busy topic says what it removes for its age, and not what it removes since there is too much.
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
	if err := s.partitions[0].await(&operation{op: opProbe}); err != nil { // behind the trims
		t.Fatal(err)
	}
	if !h.log.has("topic=aged events=") || h.log.has("topic=many") {
		t.Errorf("the log says\n%s", h.log)
	}
}
