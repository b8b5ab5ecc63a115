// Package memory is how much memory the process uses and may use.
//
// It promises that Used is what the kernel would count against the process (its resident memory), for a few
// microseconds; and that the garbage collector works harder before the limit than behind it, so that memory near the
// limit is in use and no garbage. It knows the kernel's files and the Go runtime, and does nothing about a lack of
// memory: that is for actors.
package memory

import (
	"bytes"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"

	"github.com/parley-realtime/parley/actors/health"
)

// softShare is where, in percent of the limit, the collector begins to work harder. It lies below the mark at which
// load is shed (health.Memory), so that garbage alone sheds nothing.
const softShare = 75

// Memory implements health.Memory. It is read by one goroutine at a time.
type Memory struct {
	limit Limit

	text  [128]byte // of /proc/self/statm
	heap  []metrics.Sample
	pages int64 // bytes in a page
}

var _ health.Memory = (*Memory)(nil)

// New finds the limit. nil if there is none: the kernel does not tell how much memory the machine has.
func New(cfg Config) *Memory {
	m := &Memory{limit: system.limit(cfg.Limit), pages: int64(os.Getpagesize())}
	m.heap = []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	if m.limit.Bytes <= 0 {
		return nil
	}
	return m
}

// Soften has the collector keep the Go part of the process below its share of the limit, unless GOMEMLIMIT asks for
// less. It is for the whole process.
func (m *Memory) Soften() {
	_, files := m.statm()
	soft := max(m.limit.Bytes/100*softShare-files, Least/4)
	if set := goMemLimit(); set == 0 || soft < set {
		debug.SetMemoryLimit(soft)
	}
}

// From says who set the limit.
func (m *Memory) From() string { return m.limit.From }

// Limit implements health.Memory.
func (m *Memory) Limit() int64 { return m.limit.Bytes }

// Used implements health.Memory.
func (m *Memory) Used() int64 {
	if resident, _ := m.statm(); resident > 0 {
		return resident
	}
	metrics.Read(m.heap)
	return int64(min(m.heap[0].Value.Uint64()-m.heap[1].Value.Uint64(), math.MaxInt64))
}

// Collect implements health.Memory.
func (m *Memory) Collect() { debug.FreeOSMemory() }

// statm is how much of the process is resident, and how much of that are files (its code), in bytes; 0 where the kernel
// does not tell.
func (m *Memory) statm() (resident, files int64) {
	if runtime.GOOS != "linux" {
		return 0, 0
	}
	f, err := os.Open("/proc/self/statm")
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	n, _ := f.Read(m.text[:])
	fields := bytes.Fields(m.text[:n])
	if len(fields) < 3 {
		return 0, 0
	}
	resident, _ = strconv.ParseInt(string(fields[1]), 10, 64)
	files, _ = strconv.ParseInt(string(fields[2]), 10, 64)
	return resident * m.pages, files * m.pages
}
