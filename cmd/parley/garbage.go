package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// gcPercent is how much garbage there may be beside what lives, in percent. Most of what lives are idle
	// connections, which make no garbage; the usual 100 costs 1.4 KB more for each of them (15,000 connections, 2
	// cores, 2026-11-21). GOGC wins.
	gcPercent = 50

	// gcFloor is how much garbage there may be however little lives, in bytes. 50 % of the 5 MB of a server with few
	// connections would be collected after every thousand publishes: 7 % of their processor time (same day).
	gcFloor = 16 << 20

	gcMost  = 400         // percent
	gcLook  = time.Second // between two looks at how much lives
	gcNoise = 20          // percent by which the last setting may be off
)

// collect keeps the garbage in proportion to the live heap, and tidies up after many clients have left, until done. It
// looks after each collection, too: while many clients come what lives doubles within a few 100 ms, and what was right
// before would let three times as much as lives pile up.
func collect(done <-chan struct{}) {
	if os.Getenv("GOGC") != "" {
		return
	}
	look := time.NewTicker(gcLook)
	defer look.Stop()
	collected := make(chan struct{}, 1)
	(&collection{collected, done}).watch()
	heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}}
	var after tidier
	for set, ticked := 0, false; ; {
		metrics.Read(heap)
		live, allocated := heap[0].Value.Uint64(), heap[1].Value.Uint64()
		if ticked && after.due(allocated, live) {
			tidy()
		}
		if percent := garbage(live); percent*100 < set*(100-gcNoise) || percent*100 > set*(100+gcNoise) {
			debug.SetGCPercent(percent)
			set = percent
		}
		ticked = false
		select {
		case <-look.C:
			ticked = true
		case <-collected:
		case <-done:
			return
		}
	}
}

// collection is an object that nobody refers to, so that the runtime finalizes it in each garbage collection.
type collection struct {
	each chan<- struct{} // capacity 1: a collection has ended
	done <-chan struct{} // nothing is told any more
}

// watch tells of the next collection, and of each one after it.
func (c *collection) watch() { runtime.SetFinalizer(c, (*collection).ended) }

func (c *collection) ended() {
	select {
	case <-c.done:
		return
	default:
	}
	select {
	case c.each <- struct{}{}:
	default:
	}
	c.watch()
}

// garbage is how much there may be beside so many bytes that live, in percent.
func garbage(live uint64) int {
	return int(min(max(gcFloor*100/max(live, 1), gcPercent), gcMost))
}
