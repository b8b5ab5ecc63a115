package durable

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"github.com/parley-realtime/parley/actors/history/suite"
)

// Raft's metrics may read the log of a group that has ended.
func TestLog_IsReadInVainWhenTheStoreIsClosed(t *testing.T) {
	s := open(t, t.TempDir(), Config{Partitions: 1})
	publishNumbered(t, topic(t, s, "room", keepAll), 1, 3)
	log := s.partitions[0].log
	if first, err := log.FirstIndex(); err != nil || log.GetLog(first, &raft.Log{}) != nil {
		t.Fatal(first, err)
	}
	closeStore(t, s)
	if _, err := log.FirstIndex(); !errors.Is(err, raft.ErrRaftShutdown) {
		t.Error(err)
	}
	if err := log.GetLog(1, &raft.Log{}); !errors.Is(err, raft.ErrRaftShutdown) {
		t.Error(err)
	}
}

func openPebble(t *testing.T, fs vfs.FS) *pebble.DB {
	t.Helper()
	logger := pebbleLogger{(&logBuffer{}).logger(), func(s string) { panic(s) }}
	db, err := pebble.Open("", &pebble.Options{
		FS: fs, Logger: logger, FormatMajorVersion: pebble.FormatTableFormatV6,
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func entryOf(index, term uint64, data string) *raft.Log {
	return &raft.Log{
		Index: index, Term: term, Type: raft.LogCommand, Data: append([]byte{entryStrict}, data...),
		Extensions: []byte("x"), AppendedAt: time.Unix(1, 5),
	}
}

// All that Raft asks of a log is compared with a map, in two groups that share the store.
func TestEntries_AgreeWithAMap(t *testing.T) {
	db := openPebble(t, vfs.NewMem())
	defer db.Close()
	type group struct {
		log   entries
		model map[uint64]*raft.Log
		next  uint64
	}
	groups := []*group{{log: entries{0, db}, next: 1}, {log: entries{1, db}, next: 1}}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, g := range groups {
		g.model = map[uint64]*raft.Log{}
	}
	for step := range rounds(500, 2000) {
		g := groups[rng.IntN(2)]
		switch first := g.next - uint64(len(g.model)); rng.IntN(6) {
		case 0, 1, 2: // append
			var logs []*raft.Log
			for range 1 + rng.IntN(3) {
				l := entryOf(g.next, uint64(step), fmt.Sprint(step))
				logs, g.model[g.next] = append(logs, l), l
				g.next++
			}
			if err := g.log.StoreLogs(logs); err != nil {
				t.Fatal(err)
			}
		case 3: // a new leader overwrites the end
			if len(g.model) == 0 {
				continue
			}
			from := g.next - 1 - rng.Uint64N(uint64(len(g.model)))
			if err := g.log.DeleteRange(from, g.next-1); err != nil {
				t.Fatal(err)
			}
			for ; g.next > from; g.next-- {
				delete(g.model, g.next-1)
			}
		case 4: // a snapshot cuts the beginning
			if len(g.model) < 5 {
				continue
			}
			to := first + rng.Uint64N(uint64(len(g.model)-1))
			if err := g.log.DeleteRange(first, to); err != nil {
				t.Fatal(err)
			}
			for i := first; i <= to; i++ {
				delete(g.model, i)
			}
		case 5: // a snapshot of another node comes, and the log goes on behind a gap
			if len(g.model) == 0 {
				g.next += 10
			}
		}
		first, _ := g.log.FirstIndex()
		last, _ := g.log.LastIndex()
		wantFirst, wantLast := g.next-uint64(len(g.model)), g.next-1
		if len(g.model) == 0 {
			wantFirst, wantLast = 0, 0
		}
		if first != wantFirst || last != wantLast {
			t.Fatalf("step %d: %d to %d, want %d to %d", step, first, last, wantFirst, wantLast)
		}
		look := g.next - 1 - rng.Uint64N(min(g.next, 20))
		var got raft.Log
		err := g.log.GetLog(look, &got)
		want := g.model[look]
		if want == nil && !errors.Is(err, raft.ErrLogNotFound) ||
			want != nil && (err != nil || !reflect.DeepEqual(&got, want)) {
			t.Fatalf("step %d: entry %d is %+v, %v", step, look, got, err)
		}
	}
}

func TestVotes_AreKeptAndWhatWasNeverSetIsNothing(t *testing.T) {
	db := openPebble(t, vfs.NewMem())
	defer db.Close()
	v := votes{3, db}
	if value, err := v.Get([]byte("a")); err != nil || value != nil {
		t.Errorf("%v, %v", value, err)
	}
	if n, err := v.GetUint64([]byte("a")); err != nil || n != 0 {
		t.Errorf("%v, %v", n, err)
	}
	if err := errors.Join(v.Set([]byte("a"), []byte("b")), v.SetUint64([]byte("n"), 1<<63)); err != nil {
		t.Fatal(err)
	}
	value, _ := v.Get([]byte("a"))
	n, _ := v.GetUint64([]byte("n"))
	if other, _ := (votes{4, db}).Get([]byte("a")); string(value) != "b" || n != 1<<63 || other != nil {
		t.Errorf("%q, %d, %q", value, n, other)
	}
}

// After a loss of power all that was stored is there, and of the relaxed entries the first ones are. Each entry and
// each vote is on disk when its call returns, whatever is stored afterwards: the vote comes first, since a sync takes
// along what came before.
func TestEntries_SurviveALossOfPower(t *testing.T) {
	for seed := range uint64(20) {
		fs := vfs.NewCrashableMem()
		db := openPebble(t, fs)
		rng := rand.New(rand.NewPCG(seed, 1))
		log, vote := entries{0, db}, votes{0, db}
		strict := rng.Uint64N(50) + 1
		for i := range strict {
			if err := errors.Join(vote.SetUint64([]byte("term"), i+1), log.StoreLog(entryOf(i+1, 1, "x"))); err != nil {
				t.Fatal(err)
			}
		}
		for i := range uint64(20) {
			l := entryOf(strict+i+1, 1, "x")
			l.Data[0] = entryRelaxed
			if err := log.StoreLog(l); err != nil {
				t.Fatal(err)
			}
		}
		after := openPebble(t, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: int(seed * 5), RNG: rng}))
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		log = entries{0, after}
		last, err := log.LastIndex()
		if err != nil || last < strict || last > strict+20 {
			t.Fatalf("%d entries are left of %d and 20 relaxed ones: %v", last, strict, err)
		}
		var l raft.Log
		for i := range last {
			if err := log.GetLog(i+1, &l); err != nil {
				t.Fatalf("entry %d of %d: %v", i+1, last, err)
			}
		}
		if n, err := (votes{0, after}).GetUint64([]byte("term")); err != nil || n != strict {
			t.Fatalf("the term is %d, %v", n, err)
		}
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The log is cut however often the store is opened: a start counts what is left of it. No run is long enough for a cut
// by itself.
func TestStore_ALogThatManyShortLivesMadeIsCut(t *testing.T) {
	const size, each = 64 << 10, compactBytes / 3 / (64 << 10)
	dir := t.TempDir()
	for life := range 5 {
		s := open(t, dir, Config{Partitions: 1})
		if first, _ := s.partitions[0].log.FirstIndex(); life == 4 && first < 2*each {
			t.Errorf("the log begins at %d", first)
		}
		h := topic(t, s, "room", keepAll)
		for i := range each {
			suite.Add(t, h, suite.Event(t, fmt.Sprintf("%d-%d", life, i), size), false, suite.Begin)
		}
		closeStore(t, s)
	}
}
