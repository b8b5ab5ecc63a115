package main

import (
	"bufio"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/parley-realtime/parley/bench/inproc/figure"
)

// gcPercent is what the server sets when more than a few MiB live (cmd/parley/garbage.go). GOGC wins, as there.
const gcPercent = 50

func limitGarbage() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// memory is what the process holds, in bytes.
type memory struct{ resident, live, stacks uint64 }

// footprint asks the kernel and the runtime. live is right after a collection.
func footprint() memory {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return memory{resident: resident(), live: m.HeapAlloc, stacks: m.StackInuse}
}

// resident is VmRSS; 0 where there is no /proc.
func resident() uint64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kib, _ := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// processor is the processor time of the process so far.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Metrics of the runtime about its collector.
const (
	pauseMetric     = "/sched/pauses/total/gc:seconds"
	collectorMetric = "/cpu/classes/gc/total:cpu-seconds"
	cyclesMetric    = "/gc/cycles/total:gc-cycles"
)

// work is a piece of time and what the collector had done before it.
type work struct {
	began     time.Time
	processor time.Duration
	pauses    []uint64
	collector float64 // seconds of processor time
	cycles    uint64
}

func watch() work {
	s := []metrics.Sample{{Name: pauseMetric}, {Name: collectorMetric}, {Name: cyclesMetric}}
	metrics.Read(s)
	return work{time.Now(), processor(), append([]uint64(nil), s[0].Value.Float64Histogram().Counts...),
		s[1].Value.Float64(), s[2].Value.Uint64()}
}

func (w *work) since() time.Duration { return time.Since(w.began) }

// report says what the collector did since, and which part of the processor time that was.
func (w *work) report(sheet *figure.Sheet, when string) {
	s := []metrics.Sample{{Name: pauseMetric}}
	metrics.Read(s)
	h := s[0].Value.Float64Histogram()
	counts := make([]uint64, len(h.Counts))
	for i := range counts {
		counts[i] = h.Counts[i] - w.pauses[i]
	}
	now := watch()
	sheet.Add("  collections "+when, float64(now.cycles-w.cycles), "")
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"longest", 1}} {
		sheet.Add("  pauses "+when+", "+q.name, 1e6*quantile(counts, h.Buckets, q.at), "us")
	}
	if used := now.processor - w.processor; used > 0 {
		sheet.Add("  collector's part of the processor "+when, 100*(now.collector-w.collector)/used.Seconds(), "%")
	}
}

// quantile is the upper end of the bucket in which it lies, the lower end for the last one, which has no end; 0 without
// counts.
func quantile(counts []uint64, bounds []float64, q float64) float64 {
	total := uint64(0)
	for _, n := range counts {
		total += n
	}
	rank, seen := uint64(math.Ceil(q*float64(total))), uint64(0)
	for i, n := range counts {
		if seen += n; n > 0 && seen >= rank {
			if end := bounds[i+1]; !math.IsInf(end, 1) {
				return end
			}
			return bounds[i]
		}
	}
	return 0
}
