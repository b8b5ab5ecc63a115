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

// diskGuard is the file system of the store and keeps the disk from running full, since Pebble ends the process when it
// cannot write its log or its manifest. While less than the reserve is free the store refuses publishes. If somebody
// else fills the disk faster than the guard looks at it, a write that finds no room removes the ballast, a file kept
// for this moment, and is tried again until there is room: meanwhile the publishes on their way wait, and nothing is
// lost or answered.
type diskGuard struct {
	vfs.FS
	dir     string // static, as are these
	reserve uint64 // bytes that stay free, the ballast not counted
	ballast uint64 // bytes of the ballast
	log     *slog.Logger
	closing chan struct{} // closed when nothing is worth waiting for any more

	mu         sync.Mutex
	full       bool
	hasBallast bool // the ballast is on the disk
	checked    time.Time
	writeWaits atomic.Bool // some write waits for room
}

const (
	checkEvery = 20 * time.Millisecond // a look at the disk is a system call
	retryEvery = 50 * time.Millisecond
	// The smallest and the largest memtable. The reserve must hold four times what a flush and a log of that size need.
	minMemTable, maxMemTable = 256 << 10, 16 << 20
)

func newDiskGuard(fs vfs.FS, dir string, log *slog.Logger) *diskGuard {
	return &diskGuard{FS: fs, dir: dir, log: log, closing: make(chan struct{})}
}

// measure makes the reserve fit the disk, of which it is at most a quarter. The directory has to exist.
func (g *diskGuard) measure(reserve uint64) error {
	usage, err := g.GetDiskUsage(g.dir)
	if err != nil && !errors.Is(err, vfs.ErrUnsupported) { // otherwise the disk counts as endless
		return err
	}
	if quarter := usage.TotalBytes / 4; quarter > 0 {
		reserve = min(reserve, quarter)
	}
	_, err = g.Stat(g.PathJoin(g.dir, ballastName))
	g.mu.Lock() // a write may wait for room by now
	defer g.mu.Unlock()
	g.reserve, g.hasBallast = reserve, err == nil
	g.ballast = g.memTableSize()
	return nil
}

// memTableSize is how large a memtable may be, in bytes.
func (g *diskGuard) memTableSize() uint64 { return min(max(g.reserve/4, minMemTable), maxMemTable) }

var errDiskFull = &protocol.Refusal{
	Reason: protocol.StorageFull, RetryAfter: time.Second,
	Detail: "the disk of durable topics is full, try again later",
}

// refusal says why no more should be published for now, nil if it may. It looks at the disk once per checkEvery.
func (g *diskGuard) refusal() *protocol.Refusal {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); now.Sub(g.checked) >= checkEvery {
		g.checked = now
		g.checkDisk()
	}
	if g.full {
		return errDiskFull
	}
	return nil
}

func (g *diskGuard) checkDisk() {
	usage, err := g.GetDiskUsage(g.dir)
	if err != nil {
		return // the last answer stands
	}
	need := g.reserve
	if !g.hasBallast {
		need += g.ballast
	}
	full := usage.AvailBytes < need
	if !full && !g.hasBallast {
		g.hasBallast = g.writeBallast() == nil
	}
	if full != g.full {
		g.full = full
		if full {
			g.log.Error("the disk is full: durable publishes are refused until there is room",
				"dir", g.dir, "free", usage.AvailBytes, "needed", need)
		} else {
			g.log.Info("the disk has room again: durable publishes are taken", "dir", g.dir, "free", usage.AvailBytes)
		}
	}
}

// writeBallast writes the ballast to the disk.
func (g *diskGuard) writeBallast() error {
	name := g.PathJoin(g.dir, ballastName)
	f, err := g.FS.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	block := make([]byte, 64<<10)
	for left := int(g.ballast); left > 0 && err == nil; left -= len(block) {
		_, err = f.Write(block[:min(left, len(block))])
	}
	if err = errors.Join(err, f.Close()); err != nil {
		err = errors.Join(err, g.FS.Remove(name))
	}
	return err
}

// retryWhileFull calls do, which needs room, again and again until there is room. Any other error is the caller's.
func (g *diskGuard) retryWhileFull(do func() error) error {
	for {
		err := do()
		if !vfs.IsNoSpaceError(err) {
			if err == nil && g.writeWaits.Load() && g.writeWaits.CompareAndSwap(true, false) {
				g.log.Info("a write has found room", "dir", g.dir)
			}
			return err
		}
		if g.writeWaits.CompareAndSwap(false, true) {
			g.log.Error("a write found no room and waits for some", "dir", g.dir, "cause", err)
		}
		if !g.releaseBallast() && !g.waitRetry() {
			return err
		}
	}
}

// releaseBallast frees the ballast's room for whoever needs it now. It reports whether there was a ballast.
func (g *diskGuard) releaseBallast() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.checked = time.Time{} // the next publish looks at the disk
	if !g.hasBallast {
		return false
	}
	g.hasBallast = false
	return g.FS.Remove(g.PathJoin(g.dir, ballastName)) == nil
}

// waitRetry waits a moment. It reports whether to try again.
func (g *diskGuard) waitRetry() bool {
	select {
	case <-g.closing:
		return false
	case <-time.After(retryEvery):
		return true
	}
}
