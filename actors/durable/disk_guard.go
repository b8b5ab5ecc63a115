package durable

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/protocol"
)

// space is the file system of the store and keeps it from running full: Pebble ends the process when its log or its
// manifest cannot be written. So publishes are refused while less than the reserve is free. Should somebody else fill the
// disk faster than that is seen, a write that finds no room removes the ballast, a file kept for this moment, and is
// tried again until there is room: then the publishes that are on their way wait, and nothing is lost or answered.
type space struct {
	vfs.FS
	dir     string // static, as are these
	reserve uint64 // bytes that stay free, the ballast not counted
	ballast uint64 // bytes of the ballast
	log     *slog.Logger
	closing chan struct{} // closed when nothing is worth waiting for any more

	mu      sync.Mutex
	full    bool
	laden   bool // the ballast is there
	checked time.Time
	told    atomic.Bool // that a write waits
}

const (
	ballastName = "ballast"
	checkEvery  = 20 * time.Millisecond // a look at the disk is a system call
	retryEvery  = 50 * time.Millisecond
	openAgain   = 2 * time.Second // when it is worth to try again what came before the store was open
	// smallest and largest memtable. What a flush and a log of that size need must fit into the reserve four times.
	smallTable, largeTable = 256 << 10, 16 << 20
)

func newSpace(fs vfs.FS, dir string, log *slog.Logger) *space {
	return &space{FS: fs, dir: dir, log: log, closing: make(chan struct{})}
}

// measure makes the reserve fit the disk, of which it is at most a quarter. The directory has to be there.
func (s *space) measure(reserve uint64) error {
	usage, err := s.GetDiskUsage(s.dir)
	if err != nil && !errors.Is(err, vfs.ErrUnsupported) { // then the disk is taken for endless
		return err
	}
	if quarter := usage.TotalBytes / 4; quarter > 0 {
		reserve = min(reserve, quarter)
	}
	_, err = s.Stat(s.PathJoin(s.dir, ballastName))
	s.mu.Lock() // a write may wait for room by now
	defer s.mu.Unlock()
	s.reserve, s.laden = reserve, err == nil
	s.ballast = s.table()
	return nil
}

// table is how large a memtable may be.
func (s *space) table() uint64 { return min(max(s.reserve/4, smallTable), largeTable) }

var errFull = &protocol.Refusal{Reason: protocol.StorageFull, Detail: "the disk of durable topics is full, try again later", RetryAfter: time.Second}

// room says why nothing more should be published, nil if it may.
func (s *space) room() *protocol.Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.checked) >= checkEvery {
		s.checked = now
		s.look()
	}
	if s.full {
		return errFull
	}
	return nil
}

func (s *space) look() {
	usage, err := s.GetDiskUsage(s.dir)
	if err != nil {
		return // the last answer stands
	}
	need := s.reserve
	if !s.laden {
		need += s.ballast
	}
	full := usage.AvailBytes < need
	if !full && !s.laden {
		s.laden = s.load() == nil
	}
	if full != s.full {
		s.full = full
		if full {
			s.log.Error("the disk is full: durable publishes are refused until there is room", "dir", s.dir, "free", usage.AvailBytes, "needed", need)
		} else {
			s.log.Info("the disk has room again: durable publishes are taken", "dir", s.dir, "free", usage.AvailBytes)
		}
	}
}

// load writes the ballast.
func (s *space) load() error {
	name := s.PathJoin(s.dir, ballastName)
	f, err := s.FS.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	block := make([]byte, 64<<10)
	for left := int(s.ballast); left > 0 && err == nil; left -= len(block) {
		_, err = f.Write(block[:min(left, len(block))])
	}
	if err = errors.Join(err, f.Close()); err != nil {
		err = errors.Join(err, s.FS.Remove(name))
	}
	return err
}

// insist does what needs room, and again until there is some. Any other error is the caller's.
func (s *space) insist(do func() error) error {
	for {
		err := do()
		if !vfs.IsNoSpaceError(err) {
			if err == nil && s.told.Load() && s.told.CompareAndSwap(true, false) {
				s.log.Info("a write has found room", "dir", s.dir)
			}
			return err
		}
		if s.told.CompareAndSwap(false, true) {
			s.log.Error("a write found no room and waits for some", "dir", s.dir, "cause", err)
		}
		if !s.unload() && !s.pause() {
			return err
		}
	}
}

// unload gives the ballast's room to whoever needs it now. It reports whether there was one.
func (s *space) unload() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checked = time.Time{} // the next publish looks at the disk
	if !s.laden {
		return false
	}
	s.laden = false
	return s.FS.Remove(s.PathJoin(s.dir, ballastName)) == nil
}

// pause waits a moment. It reports whether waiting goes on.
func (s *space) pause() bool {
	select {
	case <-s.closing:
		return false
	case <-time.After(retryEvery):
		return true
	}
}
