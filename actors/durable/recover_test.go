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

	"github.com/cockroachdb/pebble/v2"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
)

// written makes a store with one slot and one topic of so many events, and closes it.
func written(t *testing.T, count int) (dir string, epoch string) { return writtenBy(t, count, false) }

// writtenBy is written; flushed has the events in a table, and not in the log alone.
func writtenBy(t *testing.T, count int, flushed bool) (dir string, epoch string) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir, Config{Slots: 1})
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
	shut(t, s)
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

// intactUpTo reads a topic and checks that what is read is what was written, without a hole.
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

// reliability.md check 55: a flipped byte anywhere in the newest log file, or its end cut off: it starts, says what is lost, serves
// what is older, and never what is damaged; an epoch that goes on has lost nothing.
// F47: the log is long enough for Pebble to refuse it, so that most of it is cut off in front of the damage and put aside.
func TestStore_DamageOfTheNewestLogIsSaidAndWhatIsOlderIsServed(t *testing.T) {
	count := rounds(600, 1200)
	damages := map[string]func([]byte) []byte{}
	for percent := 3; percent < 100; percent += 8 {
		damages[fmt.Sprintf("flip at %d%%", percent)] = func(b []byte) []byte { b[len(b)*percent/100] ^= 0x10; return b }
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
	whole, epoch := written(t, count)
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
			j := &journal{}
			s := open(t, dir, Config{Slots: 1, Logger: j.logger()})
			h := topic(t, s, "room", keepAll)
			left := intactUpTo(t, h)
			if left < count {
				lost++
				if h.Position().Epoch == epoch || !j.has("are lost, though they were answered") {
					t.Errorf("%d of %d are left in epoch %s, which was %s:\n%s", left, count, h.Position().Epoch, epoch, j)
				}
			}
			if j.has("a log file of the store is damaged") {
				cut++
				wantAside(t, dir, filepath.Base(file), b)
			}
			lefts[name] = left
			if out := suite.Add(t, h, suite.Event(t, fmt.Sprint(left+1), 100), true, suite.Begin.Add(time.Hour)); out.Err != nil || out.Position.Offset != uint64(left)+1 {
				t.Errorf("it goes on at %+v", out)
			}
			shut(t, s)
			j = &journal{}
			s = open(t, dir, Config{Slots: 1, Logger: j.logger()})
			if again := topic(t, s, "room", keepAll); again.Position() != h.Position() || intactUpTo(t, again) != left+1 || j.has("level=ERROR") {
				t.Errorf("after another start it is at %+v, was %+v:\n%s", again.Position(), h.Position(), j)
			}
		})
	}
	for percent := 3; percent < 100; percent += 8 { // what is in no log any more is there, and what was in front of the damage
		tables := lefts["all cut"]
		if left := lefts[fmt.Sprintf("flip at %d%%", percent)]; left < tables+(count-tables)*(percent-10)/100 {
			t.Errorf("of %d events, the newest %d of them in the log, %d are left, though the damage is at %d%%", count, count-tables, left, percent)
		}
	}
	if lost < 5 || cut < 5 {
		t.Errorf("of %d damages only %d hit anything, and %d had the log cut", len(damages), lost, cut)
	}
}

// wantAside wants a damaged log put aside as it was.
func wantAside(t *testing.T, dir, name string, as []byte) {
	t.Helper()
	kept, err := os.ReadFile(filepath.Join(dir, damagedDir, name))
	if err != nil || !bytes.Equal(kept, as) {
		t.Errorf("of the damaged log of %d bytes %d are put aside, or others: %v", len(as), len(kept), err)
	}
}

// A table that is damaged: what it held is not served, and the rest is. Nothing of it stops the store.
func TestStore_AFlippedByteInATableIsNeverServed(t *testing.T) {
	const count = 400
	whole, _ := writtenBy(t, count, true)
	for percent := 2; percent < 90; percent += rounds(16, 8) {
		t.Run(fmt.Sprintf("flip at %d%%", percent), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			flipLargestTable(t, dir, percent)
			j := &journal{}
			s, err := Open(dir, Config{Slots: 1, Logger: j.logger()})
			if err != nil {
				if !strings.Contains(err.Error(), "store of durable topics in "+dir) {
					t.Errorf("refused with %v", err)
				}
				t.Logf("refused: %v", err)
				return
			}
			defer func() { shut(t, s) }()
			h, err := s.Topic("acme", "room", keepAll)
			if err != nil {
				t.Fatalf("%v\n%s", err, j)
			}
			served := serveAll(t, h)
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

// serveAll reads all that can be read, from offset to offset, and counts it.
func serveAll(t *testing.T, h *Topic) (served int) {
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

// spoil changes an event in the store behind its back.
func spoil(t *testing.T, s *Store, name string, offset uint64, change func([]byte) []byte) {
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

// An event in the middle that is not what it was ends a page before it, by its name; what is newer can be read.
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
		spoil(t, s, name, 5, change)
		if entries, err := h.Read(0, 100, suite.Begin); err != nil || len(entries) != 4 {
			t.Errorf("%s: the older part has %d, %v", name, len(entries), err)
		}
		var damaged *history.Damaged
		if entries, err := h.Read(4, 100, suite.Begin); name != "sealed, but of another one" && (!errors.As(err, &damaged) || damaged.Offset != 5 || damaged.Topic != name || len(entries) != 0) {
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

// A topic whose newest events are damaged drops them when it is opened, says so, and begins a new epoch; ids of dropped
// events are new again.
func TestTopic_ADamagedEndIsDroppedAndTheEpochIsNew(t *testing.T) {
	dir, j := t.TempDir(), &journal{}
	s := open(t, dir, Config{Logger: j.logger()})
	h := topic(t, s, "room", keepAll)
	for i := range 10 {
		suite.Add(t, h, suite.Event(t, fmt.Sprint(i+1), 100), true, suite.Begin)
	}
	epoch := h.Position().Epoch
	spoil(t, s, "room", 9, func(b []byte) []byte { b[30] ^= 1; return b })
	spoil(t, s, "room", 10, func([]byte) []byte { return nil })
	h = topic(t, s, "room", keepAll)
	if p := h.Position(); p.Offset != 8 || p.Epoch == epoch || intactUpTo(t, h) != 8 {
		t.Errorf("it is at %+v, was in %s", p, epoch)
	}
	if !j.has("the newest events of a topic are damaged") || !j.has("kept_up_to=8 newest_was=10") {
		t.Errorf("it says:\n%s", j)
	}
	if out := suite.Add(t, h, suite.Event(t, "8", 100), true, suite.Begin); !out.Duplicate || out.Position.Offset != 8 || out.Position.Epoch != epoch {
		t.Errorf("an id that is kept: %+v", out)
	}
	if out := suite.Add(t, h, suite.Event(t, "9", 100), true, suite.Begin); out.Duplicate || out.Position.Offset != 9 {
		t.Errorf("an id that was dropped: %+v", out)
	}
	was := h.Position()
	shut(t, s)
	s = open(t, dir, Config{})
	if h = topic(t, s, "room", keepAll); h.Position() != was || intactUpTo(t, h) != 9 {
		t.Errorf("after a restart it is at %+v, was %+v", h.Position(), was)
	}
}

// An event that is whole, but not the one that was answered, is dropped as a damaged one is: the head knows its sum.
func TestTopic_AnEndThatTheHeadDoesNotKnowIsDropped(t *testing.T) {
	s := open(t, t.TempDir(), Config{})
	h := topic(t, s, "room", keepAll)
	suite.AddMany(t, h, 1, 10, 100, true, suite.Begin)
	epoch := h.Position().Epoch
	one := s.partitionOf("acme", "room")
	r, err := one.readRecord("acme", "room", 10)
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
	shut(t, s)
	s = open(t, dir, Config{})
	h = topic(t, s, "room", keepAll)
	if p := h.Position(); p.Offset != 10 || p.Epoch == epoch || intactUpTo(t, h) != 10 {
		t.Errorf("it is at %+v, was in %s", p, epoch)
	}
	if out := suite.Add(t, h, suite.Event(t, "11", 100), true, suite.Begin); out.Position.Offset != 11 || intactUpTo(t, h) != 11 {
		t.Errorf("it goes on at %+v", out)
	}
}

// Damage behind what the log needs no more, or in front of it: the slot starts with what is applied.
func TestStore_ADamagedEntryOfTheRaftLogDoesNotStopAGroupOfOne(t *testing.T) {
	dir, epoch := written(t, 50)
	j := &journal{}
	s := open(t, dir, Config{Slots: 1, Logger: j.logger()})
	last, _ := s.partitions[0].log.LastIndex()
	if err := s.db.Set(numberedKey(prefixLog, 0, last-20), nil, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	s = open(t, dir, Config{Slots: 1, Logger: j.logger()})
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
	shut(t, s)
	s = open(t, dir, Config{Slots: 1})
	if h = topic(t, s, "room", keepAll); h.Position().Epoch != epoch || intactUpTo(t, h) != 51 {
		t.Errorf("after a restart it is at %+v", h.Position())
	}
}
