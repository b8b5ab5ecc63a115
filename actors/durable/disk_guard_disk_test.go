package durable

import (
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// disk is a file system of a size, of which somebody else may take a part.
type disk struct {
	vfs.FS
	size    int64
	foreign atomic.Int64
	blind   atomic.Bool // it says that all of it is free

}

type diskFile struct {
	vfs.File
	disk *disk
}

func (d *disk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	free := uint64(max(0, d.size-d.taken()))
	if d.blind.Load() {
		free = uint64(d.size)
	}
	return vfs.DiskUsage{AvailBytes: free, TotalBytes: uint64(d.size)}, nil
}

// taken counts the bytes of the files, so that removed files count no more.
func (d *disk) taken() int64 {
	names, _ := d.List("data")
	n := d.foreign.Load()
	for _, name := range names {
		if info, err := d.Stat(d.PathJoin("data", name)); err == nil {
			n += info.Size()
		}
	}
	return n
}

// fill has somebody else take all that is free.
func (d *disk) fill() { d.foreign.Add(d.size - d.taken()) }

func (d *disk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	return &diskFile{f, d}, err
}

func (d *disk) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.ReuseForWrite(old, name, c)
	return &diskFile{f, d}, err
}

func (d *disk) Unwrap() vfs.FS { return d.FS }

func (f *diskFile) Write(p []byte) (int, error) {
	if f.disk.taken()+int64(len(p)) > f.disk.size {
		return 0, syscall.ENOSPC
	}
	return f.File.Write(p)
}

// randomEvent is an event of 1 kB that cannot be compressed.
func randomEvent(t *testing.T, id string) *protocol.Event {
	t.Helper()
	content := make([]byte, 500)
	_, _ = rand.Read(content)
	data := fmt.Appendf(nil, `{"x":"%x"}`, content)
	ev, err := protocol.NewEvent(protocol.EventInput{ID: id, Kind: protocol.JSON, Topic: "room", Data: data})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// publishOne publishes one event and returns its outcome.
func publishOne(t *testing.T, h *Topic, id string) history.Outcome {
	t.Helper()
	answer := make(chan history.Outcome, 1)
	h.Add(randomEvent(t, id), true, time.Now(), func(o history.Outcome) { answer <- o })
	select {
	case out := <-answer:
		h.Settle(out)
		return out
	case <-time.After(20 * time.Second):
		t.Fatal("no answer")
		panic("unreachable")
	}
}
