package durable

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
	"github.com/parley-realtime/parley/protocol"
)

// run runs a command of the system, as an operator does.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// publishNumbered publishes events with the ids from first to last.
func publishNumbered(t *testing.T, h *Topic, first, last int) {
	t.Helper()
	for i := first; i <= last; i++ {
		if out := suite.Add(t, h, suite.Event(t, fmt.Sprint(i), 20), true, suite.Begin); out.Err != nil {
			t.Fatal(out.Err)
		}
	}
}

// resume reads from a position as a reader does: it compares the epoch first.
func resume(h *Topic, at protocol.Position) ([]history.Entry, error) {
	if at.Epoch != h.Position().Epoch {
		return nil, history.ErrLost
	}
	return h.Read(at.Offset, 1<<20, suite.Begin)
}

// F5: a copy is made at offset 5, the store goes on to 10, and the copy is put back. 6 to 13 are then other events, and
// a reader that received 10 before is told that its position is lost, whether its offset is ahead of the newest or
// behind.
func TestStore_APositionFromBeforeACopyWasPutBackIsLost(t *testing.T) {
	plain := func(t *testing.T, dir, backup string) { run(t, "cp", "-r", dir, backup) }
	archive := func(t *testing.T, dir, backup string) { run(t, "cp", "-a", dir, backup) }
	for name, method := range map[string]struct {
		copied func(t *testing.T, dir, backup string)
		back   func(t *testing.T, dir, backup string)
	}{
		"cp -r":          {plain, replaced("cp", "-r")},
		"cp -a":          {archive, replaced("cp", "-a")},
		"cp -a, then mv": {archive, replaced("mv")},
		"hard links":     {func(t *testing.T, dir, backup string) { run(t, "cp", "-al", dir, backup) }, replaced("mv")},
		"tar": {
			func(t *testing.T, dir, backup string) { run(t, "tar", "-C", dir, "-cf", backup, ".") },
			func(t *testing.T, dir, backup string) {
				run(t, "rm", "-rf", dir)
				run(t, "mkdir", dir)
				run(t, "tar", "-C", dir, "-xpf", backup)
			},
		},
		"emptied and filled": {archive, func(t *testing.T, dir, backup string) {
			run(t, "find", dir, "-mindepth", "1", "-delete")
			run(t, "cp", "-a", backup+"/.", dir)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, backup := filepath.Join(t.TempDir(), "topics"), filepath.Join(t.TempDir(), "backup")
			s := open(t, dir, Config{Partitions: 1})
			publishNumbered(t, topic(t, s, "room", keepAll), 1, 5)
			closeStore(t, s)
			method.copied(t, dir, backup)
			s = open(t, dir, Config{Partitions: 1})
			h := topic(t, s, "room", keepAll)
			publishNumbered(t, h, 6, 10)
			heard := h.Position()
			closeStore(t, s)
			method.back(t, dir, backup)
			s = open(t, dir, Config{Partitions: 1})
			h = topic(t, s, "room", keepAll)
			for first := 101; ; first++ {
				if _, err := resume(h, heard); !errors.Is(err, history.ErrLost) {
					t.Fatalf("a reader at %+v of a topic at %+v is told %v", heard, h.Position(), err)
				}
				if h.Position().Offset == 13 {
					break
				}
				publishNumbered(t, h, first, first)
			}
			all, err := h.Read(0, 100, suite.Begin)
			if err != nil || len(all) != 13 || all[4].Event.ID != "5" || all[5].Event.ID != "101" {
				t.Errorf("it holds %d events, %v", len(all), err)
			}
			epoch := h.Position().Epoch
			closeStore(t, s)
			again := topic(t, open(t, dir, Config{Partitions: 1}), "room", keepAll)
			if again.Position().Epoch != epoch {
				t.Error("the next start begins another epoch, though nothing was copied")
			}
		})
	}
}

func replaced(command string, args ...string) func(t *testing.T, dir, backup string) {
	return func(t *testing.T, dir, backup string) {
		run(t, "rm", "-rf", dir)
		run(t, command, append(args, backup, dir)...)
	}
}

// F5: whatever an operator does to a directory that stays the same one costs no reader its position.
func TestStore_ARestartKeepsTheEpochWhateverWasDoneToTheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "topics")
	s := open(t, dir, Config{Partitions: 1})
	publishNumbered(t, topic(t, s, "room", keepAll), 1, 5)
	at := topic(t, s, "room", keepAll).Position()
	closeStore(t, s)
	for name, do := range map[string]func(t *testing.T){
		"nothing": func(*testing.T) {},
		"renamed": func(t *testing.T) { next := dir + "x"; run(t, "mv", dir, next); dir = next },
		"chmod":   func(t *testing.T) { run(t, "chmod", "-R", "g+r", dir) },
		"chown": func(t *testing.T) {
			run(t, "chown", "-R", fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid()), dir)
		},
		"touch":       func(t *testing.T) { run(t, "find", dir, "-exec", "touch", "-d", "2001-01-01", "{}", "+") },
		"copied away": func(t *testing.T) { run(t, "cp", "-a", dir, filepath.Join(t.TempDir(), "copy")) },
	} {
		do(t)
		s := open(t, dir, Config{Partitions: 1})
		if now := topic(t, s, "room", keepAll).Position(); now != at {
			t.Errorf("%s: it is at %+v, was at %+v", name, now, at)
		}
		closeStore(t, s)
	}
}

// F5: a snapshot of a disk that is put back has the same files; MarkRestored tells the store of it.
func TestMarkRestored_BeginsNewEpochsAndKeepsTheEvents(t *testing.T) {
	dir, before := storeWith(t, 7)
	s := open(t, dir, Config{Partitions: 1})
	if err := MarkRestored(dir); err == nil {
		t.Error("it is told to a store that is open")
	}
	closeStore(t, s)
	if err := MarkRestored(dir); err != nil {
		t.Fatal(err)
	}
	h := topic(t, open(t, dir, Config{Partitions: 1}), "room", keepAll)
	if left := intactUpTo(t, h); left != 7 || h.Position().Epoch == before {
		t.Errorf("%d events are left, in epoch %s that was %s", left, h.Position().Epoch, before)
	}
	if err := MarkRestored(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("it is told to nobody")
	}
}

// reader is what a reader knows.
type reader struct {
	at    protocol.Position
	heard []string // ids, in the order of their offsets
}

// F5: 20 random histories of publishes, copies, kills and copies that are put back. Whenever a reader resumes, either
// the events that it has and those that it gets are together the topic as it is, without a gap, or it is told that its
// position is lost.
func TestStore_NoHistoryOfCopiesAndKillsLeadsAReaderPastAGap(t *testing.T) {
	lost, resumed := 0, 0
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 5))
			l := &copiedStore{t: t, dir: filepath.Join(t.TempDir(), "topics"), random: random}
			l.start()
			for range 18 {
				switch p := random.IntN(10); {
				case p < 4:
					l.publish(1 + random.IntN(6))
				case p < 6:
					l.readers = append(l.readers, l.read())
				case p < 7:
					l.copy()
				case p < 8:
					closeStore(t, l.store)
					l.start()
				case len(l.copies) > 0:
					l.putBack()
				}
				got, refused := l.resume()
				resumed, lost = resumed+got, lost+refused
			}
		})
	}
	t.Logf("%d times a reader got what it missed, %d times it was told that its position is lost", resumed, lost)
	if lost < 50 || resumed < 50 {
		t.Error("too few of one of both to mean anything")
	}
}

// copiedStore is a store whose directory is copied and put back.
type copiedStore struct {
	t       *testing.T
	dir     string
	random  *rand.Rand
	store   *Store
	topic   *Topic
	count   int // of events ever published
	copies  []string
	readers []reader
}

func (l *copiedStore) start() {
	l.store = open(l.t, l.dir, Config{Partitions: 1})
	l.topic = topic(l.t, l.store, "room", keepAll)
}

func (l *copiedStore) publish(n int) {
	publishNumbered(l.t, l.topic, l.count+1, l.count+n)
	l.count += n
}

// read is a reader that has received all that there is.
func (l *copiedStore) read() reader {
	all, err := l.topic.Read(0, 1<<20, suite.Begin)
	if err != nil {
		l.t.Fatal(err)
	}
	r := reader{at: l.topic.Position()}
	for _, e := range all {
		r.heard = append(r.heard, e.Event.ID)
	}
	return r
}

// copy copies the store while it is open, as a backup does, or its directory between two starts. Close writes nothing
// that a kill would not have left.
func (l *copiedStore) copy() {
	to := filepath.Join(l.t.TempDir(), "copy")
	if l.random.IntN(2) == 0 {
		l.copies = append(l.copies, to)
		if err := l.store.Checkpoint(func(dir string) error { return os.CopyFS(to, os.DirFS(dir)) }); err != nil {
			l.t.Fatal(err)
		}
		return
	}
	closeStore(l.t, l.store)
	run(l.t, "cp", []string{"-r", "-a"}[l.random.IntN(2)], l.dir, to)
	l.copies = append(l.copies, to)
	l.start()
}

func (l *copiedStore) putBack() {
	closeStore(l.t, l.store)
	replaced("cp", "-a")(l.t, l.dir, l.copies[l.random.IntN(len(l.copies))])
	l.start()
}

// resume has every reader ask for what it missed, and compares.
func (l *copiedStore) resume() (got, lost int) {
	now := l.read()
	for _, r := range l.readers {
		missed, err := resume(l.topic, r.at)
		if errors.Is(err, history.ErrLost) {
			lost++
			continue
		}
		got++
		for _, e := range missed {
			r.heard = append(r.heard, e.Event.ID)
		}
		if err != nil || fmt.Sprint(r.heard) != fmt.Sprint(now.heard) {
			l.t.Fatalf("a reader that was at %+v has %v, the topic is %v, %v", r.at, r.heard, now.heard, err)
		}
	}
	return got, lost
}
