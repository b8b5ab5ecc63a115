package durable

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
)

// storeWith makes a store with one partition and one topic of so many events, and closes it.
func storeWith(t *testing.T, count int) (dir string, epoch string) {
	return storeWithEvents(t, count, false)
}

// storeWithEvents is storeWith; if flushed, the events are in a table, and not in the log alone.
func storeWithEvents(t *testing.T, count int, flushed bool) (dir string, epoch string) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir, Config{Partitions: 1})
	h := topic(t, s, "room", keepAll)
	for i := range count {
		suite.Add(t, h, suite.Event(t, fmt.Sprint(i+1), 100), true, suite.Begin)
	}
	epoch = h.Position().Epoch
	if flushed {
		if err := s.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, s)
	return dir, epoch
}

// newestLog is Pebble's newest log file.
func newestLog(t *testing.T, dir string) string {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatal("no log file", err)
	}
	return slices.Max(logs)
}

// intactUpTo reads a topic, checks that the events are those that were written, without a gap, and counts them.
func intactUpTo(t *testing.T, h *Topic) int {
	t.Helper()
	entries, err := h.Read(0, 1<<20, suite.Begin)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range entries {
		if e.Offset != uint64(i)+1 || e.Event.ID != fmt.Sprint(i+1) || len(e.Event.Data) != 108 {
			t.Fatalf("entry %d is %s at %d", i, e.Event.ID, e.Offset)
		}
	}
	return len(entries)
}

// reliability.md check 55: a byte is flipped anywhere in the newest log file, or its end is cut off. The store starts,
// says what is lost, serves what is older, and never serves what is damaged; an epoch that goes on has lost nothing.
// F47: the log is long enough for Pebble to refuse it, so that most of it is cut off in front of the damage and put
// aside.
func TestStore_DamageOfTheNewestLogIsSaidAndWhatIsOlderIsServed(t *testing.T) {
	count := rounds(600, 1200)
	damages := map[string]func([]byte) []byte{}
	for percent := 3; percent < 100; percent += 8 {
		damages[fmt.Sprintf("flip at %d%%", percent)] = func(b []byte) []byte {
			b[len(b)*percent/100] ^= 0x10
			return b
		}
	}
	for _, cut := range []int{1, 500, 20_000} {
		damages[fmt.Sprintf("%d bytes cut", cut)] = func(b []byte) []byte { return b[:max(0, len(b)-cut)] }
	}
	damages["all cut"] = func(b []byte) []byte { return b[:0] }
	damages["flips all over"] = func(b []byte) []byte {
		for i := 1000; i < len(b); i += 5000 {
			b[i] ^= 1
		}
		return b
	}
	whole, epoch := storeWith(t, count)
	lost, cut, lefts := 0, 0, map[string]int{}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			file := newestLog(t, dir)
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			b = damage(b)
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
			j := &logBuffer{}
			s := open(t, dir, Config{Partitions: 1, Logger: j.logger()})
			h := topic(t, s, "room", keepAll)
			left := intactUpTo(t, h)
			if left < count {
				lost++
				if h.Position().Epoch == epoch || !j.has("are lost, though they were answered") {
					t.Errorf("%d of %d are left in epoch %s, which was %s:\n%s",
						left, count, h.Position().Epoch, epoch, j)
				}
			}
			if j.has("a log file of the store is damaged") {
				cut++
				wantKept(t, dir, filepath.Base(file), b)
			}
			lefts[name] = left
			out := suite.Add(t, h, suite.Event(t, fmt.Sprint(left+1), 100), true, suite.Begin.Add(time.Hour))
			if out.Err != nil || out.Position.Offset != uint64(left)+1 {
				t.Errorf("it goes on at %+v", out)
			}
			closeStore(t, s)
			j = &logBuffer{}
			s = open(t, dir, Config{Partitions: 1, Logger: j.logger()})
			again := topic(t, s, "room", keepAll)
			if again.Position() != h.Position() || intactUpTo(t, again) != left+1 || j.has("level=ERROR") {
				t.Errorf("after another start it is at %+v, was %+v:\n%s", again.Position(), h.Position(), j)
			}
		})
	}
	for percent := 3; percent < 100; percent += 8 { // events in a table are there, and those in front of the damage
		tables := lefts["all cut"]
		if left := lefts[fmt.Sprintf("flip at %d%%", percent)]; left < tables+(count-tables)*(percent-10)/100 {
			t.Errorf("of %d events, the newest %d of them in the log, %d are left, though the damage is at %d%%",
				count, count-tables, left, percent)
		}
	}
	if lost < 5 || cut < 5 {
		t.Errorf("of %d damages only %d hit anything, and %d had the log cut", len(damages), lost, cut)
	}
}

// wantKept fails unless a damaged log was put aside as it was.
func wantKept(t *testing.T, dir, name string, as []byte) {
	t.Helper()
	kept, err := os.ReadFile(filepath.Join(dir, damagedDir, name))
	if err != nil || !bytes.Equal(kept, as) {
		t.Errorf("of the damaged log of %d bytes %d are put aside, or others: %v", len(as), len(kept), err)
	}
}

// A table is damaged: its events are not served, and the rest are. Nothing of it stops the store.
func TestStore_AFlippedByteInATableIsNeverServed(t *testing.T) {
	const count = 400
	whole, _ := storeWithEvents(t, count, true)
	for percent := 2; percent < 90; percent += rounds(16, 8) {
		t.Run(fmt.Sprintf("flip at %d%%", percent), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			flipLargestTable(t, dir, percent)
			j := &logBuffer{}
			s, err := Open(dir, Config{Partitions: 1, Logger: j.logger()})
			if err != nil {
				if !strings.Contains(err.Error(), "store of durable topics in "+dir) {
					t.Errorf("refused with %v", err)
				}
				t.Logf("refused: %v", err)
				return
			}
			defer func() { closeStore(t, s) }()
			h, err := s.OpenTopic("acme", "room", keepAll)
			if err != nil {
				t.Fatalf("%v\n%s", err, j)
			}
			served := readAll(t, h)
			if served < count && !j.has("damaged") {
				t.Errorf("%d of %d are served, and nothing is said:\n%s", served, count, j)
			}
			t.Logf("%d of %d are served", served, count)
		})
	}
}

func flipLargestTable(t *testing.T, dir string, percent int) {
	t.Helper()
	tables, _ := filepath.Glob(filepath.Join(dir, "*.sst"))
	var file string
	var b []byte
	for _, name := range tables {
		if content, err := os.ReadFile(name); err == nil && len(content) > len(b) {
			file, b = name, content
		}
	}
	if len(b) < 1000 {
		t.Fatal("no table")
	}
	b[len(b)*percent/100] ^= 0x40
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// readAll reads all that can be read, from offset to offset, and counts it.
func readAll(t *testing.T, h *Topic) (served int) {
	t.Helper()
	for at := uint64(0); at < h.Position().Offset; {
		entries, err := h.Read(at, 1000, suite.Begin)
		var damaged *history.Damaged
		switch {
		case errors.As(err, &damaged):
			if damaged.Offset != at+1 || damaged.Topic != "room" || damaged.Tenant != "acme" {
				t.Fatalf("%+v after %d", damaged, at)
			}
			at++
		case err != nil:
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Offset != at+1 || e.Event.ID != fmt.Sprint(e.Offset) || len(e.Event.Data) != 108 {
				t.Fatalf("%s at %d, after %d", e.Event.ID, e.Offset, at)
			}
			at++
			served++
		}
	}
	return served
}
