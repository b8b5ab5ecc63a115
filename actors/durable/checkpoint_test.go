package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/parley-realtime/parley/actors/history/suite"
	"github.com/parley-realtime/parley/protocol"
)

// F5: a checkpoint is the store as it was at one moment, though publishes go on; a store made of it begins new epochs.
func TestCheckpoint_IsTheStoreAtOneMoment(t *testing.T) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	s := open(t, dir, Config{Partitions: 1})
	if err := s.SetRules("room", listedTopics); err != nil {
		t.Fatal(err)
	}
	relaxedRule := keepAll
	relaxedRule.Relaxed = true
	h, relaxed := topic(t, s, "room", keepAll), topic(t, s, "relaxed", relaxedRule)
	publishNumbered(t, h, 1, 5)
	publishNumbered(t, relaxed, 1, 7)
	err := s.Checkpoint(func(at string) error {
		publishNumbered(t, h, 6, 9)
		if err := s.Checkpoint(func(string) error { return nil }); protocol.AsRefusal(err).Reason != protocol.Busy {
			t.Errorf("a second one: %v", err)
		}
		return os.CopyFS(copied, os.DirFS(at))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, checkpointName)); !errors.Is(err, os.ErrNotExist) {
		t.Error("it is still there")
	}
	other := open(t, copied, Config{Partitions: 1})
	served, err := rulesFile{vfs.Default, copied}.read()
	again := topic(t, other, "room", keepAll).Position()
	if again.Offset != 5 || again.Epoch == h.Position().Epoch || fmt.Sprint(served, err) != "[room] <nil>" {
		t.Errorf("the copy is at %+v by the rules %q, %v; the store is at %+v", again, served, err, h.Position())
	}
	if again := topic(t, other, "relaxed", relaxedRule).Position(); again.Offset != 7 {
		t.Errorf("the relaxed topic is at %+v", again)
	}
	if h.Position().Offset != 9 {
		t.Errorf("the store is at %+v", h.Position())
	}
	if err := os.Mkdir(filepath.Join(dir, checkpointName), 0o700); err != nil { // as a kill leaves it
		t.Fatal(err)
	}
	closeStore(t, s)
	s = open(t, dir, Config{Partitions: 1})
	err = s.Checkpoint(func(string) error { return errors.New("the reader fails") })
	if err == nil || !strings.Contains(err.Error(), "the reader fails") {
		t.Error(err)
	}
}

// A checkpoint that finds no room is refused at once; it does not use the ballast, and publishes go on.
func TestCheckpoint_WithoutRoomIsRefusedAndHarmsNothing(t *testing.T) {
	var full atomic.Bool
	files := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && strings.Contains(op.Path, checkpointName) &&
			(op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpLink || op.Kind == errorfs.OpFileWrite) {
			return syscall.ENOSPC
		}
		return nil
	}))
	dir := t.TempDir()
	s := open(t, dir, Config{Partitions: 1, Files: files})
	h := topic(t, s, "room", keepAll)
	publishNumbered(t, h, 1, 5)
	ballast, _ := os.Stat(filepath.Join(dir, ballastName))
	full.Store(true)
	if err := s.Checkpoint(func(string) error { return nil }); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("%v", err)
	}
	full.Store(false)
	if _, err := os.Stat(filepath.Join(dir, checkpointName)); !errors.Is(err, os.ErrNotExist) {
		t.Error("a half one is left")
	}
	now, _ := os.Stat(filepath.Join(dir, ballastName))
	if ballast == nil || now == nil || now.Size() != ballast.Size() {
		t.Error("the ballast is gone")
	}
	publishNumbered(t, h, 6, 6)
	if all, err := h.Read(0, 10, suite.Begin); err != nil || len(all) != 6 {
		t.Errorf("%d events, %v", len(all), err)
	}
	if err := s.Checkpoint(func(string) error { return nil }); err != nil {
		t.Error(err)
	}
}
