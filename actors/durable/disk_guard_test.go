package durable

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

func isFull(err error) bool {
	return errors.Is(err, protocol.Refuse(protocol.StorageFull, "")) && protocol.AsRefusal(err).RetryAfter > 0
}

// reliability.md check 54 with a disk of the test's own, so that it runs everywhere.
func TestStore_AFullDiskRefusesPublishesAndTakesThemWhenThereIsRoom(t *testing.T) {
	synctest.Test(t, aFullDisk)
}

func aFullDisk(t *testing.T) {
	d := &disk{FS: vfs.NewMem(), size: 8 << 20}
	j := &logBuffer{}
	s := open(t, "data", Config{Files: d, Logger: j.logger(), Fatal: func(sentence string) { t.Error(sentence) }})
	h := topic(t, s, "room", keepAll)
	answered := map[string]uint64{}
	publish := func(id string) error {
		out := publishOne(t, h, id)
		if out.Err == nil {
			answered[id] = out.Position.Offset
		}
		return out.Err
	}
	for i := range 50 {
		if err := publish(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 3 {
		d.fill()
		refused := 0
		for i := range 20 {
			if err := publish(fmt.Sprintf("full %d %d", round, i)); isFull(err) {
				refused++
			} else if err != nil {
				t.Fatal(err)
			}
			time.Sleep(checkEvery / 4)
		}
		if refused < 10 {
			t.Errorf("%d of 20 were refused", refused)
		}
		if entries, err := h.Read(0, 1000, time.Now()); err != nil || len(entries) != len(answered) {
			t.Errorf("while it is full %d of %d can be read: %v", len(entries), len(answered), err)
		}
		d.foreign.Store(0)
		untilTaken(t, func() error { return publish(fmt.Sprintf("again %d", round)) })
	}
	if !j.has("the disk is full") || !j.has("the disk has room again") {
		t.Errorf("it says:\n%s", j)
	}
	wantAnswered(t, h, answered)
}

func untilTaken(t *testing.T, publish func() error) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); ; time.Sleep(checkEvery) {
		err := publish()
		if err == nil {
			return
		}
		if !isFull(err) || time.Now().After(limit) {
			t.Fatal(err)
		}
	}
}

func wantAnswered(t *testing.T, h *Topic, answered map[string]uint64) {
	t.Helper()
	entries, err := h.Read(0, 1<<20, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if offset, ok := answered[e.Event.ID]; ok && offset == e.Offset {
			delete(answered, e.Event.ID)
		}
	}
	if len(answered) > 0 {
		t.Errorf("%d answered publishes are not there", len(answered))
	}
}

// The disk fills faster than the guard looks at it: writes on their way use the ballast and then wait, and the process
// lives.
func TestStore_AWriteThatFindsNoRoomUsesTheBallastAndThenWaits(t *testing.T) {
	synctest.Test(t, noRoom)
}

func noRoom(t *testing.T) {
	d := &disk{FS: vfs.NewMem(), size: 8 << 20}
	d.blind.Store(true)
	j := &logBuffer{}
	fatal := func(sentence string) { t.Error(sentence) }
	s := open(t, "data", Config{Files: d, Partitions: 1, Logger: j.logger(), Fatal: fatal})
	h := topic(t, s, "room", keepAll)
	answered := map[string]uint64{}
	out := publishOne(t, h, "first") // it makes the ballast
	answered["first"] = out.Position.Offset
	if _, err := d.Stat("data/" + ballastName); err != nil {
		t.Fatal("there is no ballast: ", err)
	}
	d.fill()
	answers := make(chan history.Outcome, 2000)
	for i := range 2000 { // 2 MB: more than the ballast
		h.Add(randomEvent(t, fmt.Sprint(i)), true, time.Now(), func(o history.Outcome) { answers <- o })
	}
	for limit := time.Now().Add(10 * time.Second); !j.has("a write found no room"); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("no write found the disk full")
		}
	}
	if _, err := d.Stat("data/" + ballastName); err == nil {
		t.Error("the ballast was not used")
	}
	d.foreign.Store(0)
	for range 2000 {
		if out := <-answers; out.Err == nil {
			h.Settle(out)
		} else if !isFull(out.Err) {
			t.Fatal(out.Err)
		}
	}
	untilTaken(t, func() error { return publishOne(t, h, "last").Err })
	wantAnswered(t, h, answered)
}

// reliability.md check 54 as it is written, where a small disk can be had.
func TestStore_ASmallDiskThatSomebodyFills(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("a small disk cannot be mounted here (%v); the test before this one has one of its own", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	j := &logBuffer{}
	s := open(t, dir, Config{Logger: j.logger(), Partitions: 16, Fatal: func(sentence string) { t.Error(sentence) }})

	h, answered := topic(t, s, "room", keepAll), map[string]uint64{}
	publish := func(id string) error {
		out := publishOne(t, h, id)
		if out.Err == nil {
			answered[id] = out.Position.Offset
		}
		return out.Err
	}
	count := 0
	for ; count < 20_000; count++ { // the topic fills it
		if err := publish(fmt.Sprint(count)); isFull(err) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("8 MiB hold %d events of 1 kB", count)
	if count < 500 || count == 20_000 {
		t.Errorf("%d publishes were taken", count)
	}
	stuffing := filepath.Join(dir, "stuffing")
	f, err := os.Create(stuffing)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := range 100 { // the first may be taken, by the room of the ballast
		fillDisk(t, f)
		if err := publish(fmt.Sprintf("full %d", i)); isFull(err) {
			refused++
		} else if err != nil {
			t.Fatalf("on a full disk: %v", err)
		}
		time.Sleep(checkEvery / 10)
	}
	if refused < 80 {
		t.Errorf("%d of 100 were refused on a full disk", refused)
	}
	wantAnswered(t, h, maps.Clone(answered))
	if err := errors.Join(f.Close(), os.Remove(stuffing)); err != nil {
		t.Fatal(err)
	}
	roomByTrim(t, s, h)
	untilTaken(t, func() error { return publish("at last") })
	if h.Position().Offset != answered["at last"] {
		t.Errorf("it is at %+v", h.Position())
	}
	closeStore(t, s)
	s = open(t, dir, Config{Partitions: 16, Logger: j.logger()})
	if again := topic(t, s, "room", keepAll); again.Position() != h.Position() {
		t.Errorf("after a restart it is at %+v, was %+v", again.Position(), h.Position())
	}
}

// fillDisk fills what is left of a disk, as somebody else does.
func fillDisk(t *testing.T, f *os.File) {
	t.Helper()
	var err error
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !vfs.IsNoSpaceError(err) {
		t.Fatal(err)
	}
}

// roomByTrim has the topic drop the events that filled the disk: trims are taken while it is full.
func roomByTrim(t *testing.T, s *Store, h *Topic) {
	t.Helper()
	o := operation{op: opTrim, tenant: "acme", topic: "room", epoch: h.epoch, offset: h.newest - 10}
	if err := s.partitionOf("acme", "room").queue.await(&o); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
}
