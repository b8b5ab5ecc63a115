package durable

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
)

// logBuffer is a log that tests read.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *logBuffer) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *logBuffer) has(what string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.text.String(), what)
}

func (j *logBuffer) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

var keepAll = Rule{Bounds: history.Bounds{Count: 1 << 20, Bytes: 1 << 30}, Dedup: 2 * time.Minute}

// open opens a store and closes it when the test ends, if the test has not done so.
func open(t testing.TB, dir string, cfg Config) *Store {
	t.Helper()
	if cfg.Partitions == 0 {
		cfg.Partitions = 2
	}
	s, err := Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.db != nil {
			closeStore(t, s)
		}
	})
	return s
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s.db = nil
}

func topic(t testing.TB, s *Store, name string, r Rule) *Topic {
	t.Helper()
	h, err := s.OpenTopic("acme", name, r)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// The disk is in memory: the suite does not depend on a real one, which other tests have.
func TestTopic_PassesTheSuiteOfHistories(t *testing.T) {
	s := open(t, "data", Config{Files: vfs.NewMem(), Reserve: 1 << 20})
	made := 0
	create := func(t *testing.T, b history.Bounds) history.History {
		made++
		return topic(t, s, fmt.Sprintf("room/%d", made), Rule{Bounds: b, Dedup: 2 * time.Minute})
	}
	suite.Run(t, suite.Store{Window: 2 * time.Minute, Steps: rounds(400, 0), New: create})
}

// A start applies again what the log holds, but not what was applied before, though no id tells.
func TestStore_AStartAppliesNothingTwice(t *testing.T) {
	dir := t.TempDir()
	for life := range uint64(3) {
		s := open(t, dir, Config{Partitions: 1})
		h := topic(t, s, "room", keepAll)
		if at := h.Position().Offset; at != life {
			t.Fatalf("life %d begins at offset %d", life, at)
		}
		suite.Add(t, h, suite.Event(t, "x", 10), false, suite.Begin)
		closeStore(t, s)
	}
}

// All that was opened, read and written is there after a restart: events, epochs, ids (reliability.md checks 29 and
// 47).
func TestStore_KeepsEverythingOverARestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Config{})
	was := map[string]history.Outcome{}
	for i := range 20 {
		name := fmt.Sprintf("room/%d", i)
		h := topic(t, s, name, keepAll)
		for j := range i + 1 {
			was[name] = suite.Add(t, h, suite.Event(t, fmt.Sprint(j), 10), true, suite.Begin)
		}
	}
	closeStore(t, s)
	s = open(t, dir, Config{})
	for i := range 20 {
		name := fmt.Sprintf("room/%d", i)
		h := topic(t, s, name, keepAll)
		if h.Position() != was[name].Position || h.Len(suite.Begin) != i+1 {
			t.Errorf("%s is at %+v with %d, was %+v", name, h.Position(), h.Len(suite.Begin), was[name].Position)
		}
		again := suite.Add(t, h, suite.Event(t, fmt.Sprint(i), 10), true, suite.Begin.Add(time.Minute))
		if !again.Duplicate || again.Position != was[name].Position {
			t.Errorf("%s: the same id gets %+v, first it got %+v", name, again, was[name])
		}
		next := suite.Add(t, h, suite.Event(t, "next", 10), true, suite.Begin)
		if next.Position.Offset != uint64(i)+2 || next.Position.Epoch != was[name].Position.Epoch {
			t.Errorf("%s goes on at %+v", name, next)
		}
	}
	if !s.HasTopic("acme", "room/3") || s.HasTopic("acme", "room/20") || s.HasTopic("acm", "room/3") {
		t.Error("it does not know what it knows")
	}
}

func TestStore_TwoTenantsWithOneTopicNameAreTwoTopics(t *testing.T) {
	s := open(t, t.TempDir(), Config{})
	a, err := s.OpenTopic("a", "bc", keepAll)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.OpenTopic("ab", "c", keepAll)
	if err != nil {
		t.Fatal(err)
	}
	suite.Add(t, a, suite.Event(t, "1", 1), true, suite.Begin)
	if b.Position().Offset != 0 || a.Position().Epoch == b.Position().Epoch || s.HasTopic("ab", "c") {
		t.Errorf("%+v and %+v", a.Position(), b.Position())
	}
	if out := suite.Add(t, b, suite.Event(t, "1", 1), true, suite.Begin); out.Duplicate {
		t.Error("an id of one tenant is recognised in the other")
	}
}

func TestStore_TheSecondOnOneDirectoryIsRefusedWithASentence(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, Config{})
	_, err := Open(dir, Config{Partitions: 2})
	if err == nil || !strings.Contains(err.Error(), "in use by another process") ||
		!strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
}

func TestStore_AnotherNumberOfSlotsIsRefusedWithASentence(t *testing.T) {
	dir := t.TempDir()
	closeStore(t, open(t, dir, Config{Partitions: 3}))
	_, err := Open(dir, Config{Partitions: 4})
	if err == nil || !strings.Contains(err.Error(), "made with 3 slots") ||
		!strings.Contains(err.Error(), "set slots to 3") {
		t.Errorf("%v", err)
	}
	for _, partitions := range []int{-1, MaxPartitions + 1} {
		if _, err := Open(dir, Config{Partitions: partitions}); err == nil {
			t.Errorf("%d slots", partitions)
		}
	}
	closeStore(t, open(t, dir, Config{Partitions: 3}))
}

func TestStore_LeavesNoGoroutineBehind(t *testing.T) {
	dir := t.TempDir()
	closeStore(t, open(t, dir, Config{})) // libraries start some once
	before := runtime.NumGoroutine()
	s := open(t, dir, Config{Partitions: 2})
	h := topic(t, s, "room", keepAll)
	for i := range 100 {
		suite.Add(t, h, suite.Event(t, fmt.Sprint(i), 10), true, suite.Begin)
	}
	closeStore(t, s)
	for limit := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(limit) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, before there were %d:\n%s",
				runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}
