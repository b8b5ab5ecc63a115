package memory

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestLimit_IsTheSettingElseTheNearestOfCgroupAndRuntimeElseOfTheMachine(t *testing.T) {
	const gib = 1 << 30
	for name, c := range map[string]struct {
		set, cgroup, runtime, machine int64
		want                          Limit
	}{
		"a setting":          {2 * gib, gib, gib, gib, Limit{2 * gib, "memory.limit"}},
		"a cgroup":           {0, 100 * gib, 0, gib, Limit{90 * gib, "90 % of the cgroup's"}},
		"a cgroup, and less": {0, 100 * gib, 80 * gib, gib, Limit{80 * gib, "GOMEMLIMIT"}},
		"a cgroup, and more": {0, 100 * gib, 95 * gib, gib, Limit{90 * gib, "90 % of the cgroup's"}},
		"the runtime":        {0, 0, gib, 2 * gib, Limit{gib, "GOMEMLIMIT"}},
		"the machine":        {0, 0, 0, 100 * gib, Limit{75 * gib, "75 % of the machine's"}},
		"nobody":             {0, 0, 0, 0, Limit{0, "75 % of the machine's"}},
	} {
		say := func(bytes int64) func() int64 { return func() int64 { return bytes } }
		s := sources{say(c.cgroup), say(c.runtime), say(c.machine)}
		if got := s.limit(c.set); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestConfig_ALimitThatAnEmptyServerDoesNotKeepIsRefused(t *testing.T) {
	for bytes, right := range map[int64]bool{0: true, 1: false, Least - 1: false, Least: true} {
		if err := (&Config{bytes}).Check(); (err == nil) != right {
			t.Errorf("%d bytes: %v", bytes, err)
		}
	}
}

func TestMemory_UsedFollowsWhatIsHeldAndCollectGivesBack(t *testing.T) {
	m := New(Config{Limit: 1 << 40})
	m.Collect()
	before := m.Used()
	held := make([]byte, 64<<20)
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	with := m.Used()
	runtime.KeepAlive(held)
	m.Collect()
	after := m.Used()
	if before <= 0 || with < before+48<<20 || after > with-48<<20 {
		t.Errorf("%d KiB before, %d with 64 MiB more, %d after", before>>10, with>>10, after>>10)
	}
	if per := testing.AllocsPerRun(100, func() { m.Used() }); per > 12 {
		t.Errorf("a look costs %v allocations", per)
	}
}

func TestMemory_TheCollectorWorksHarderBeforeTheLimitUnlessItIsToAlready(t *testing.T) {
	was := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(was)
	for _, c := range []struct{ set, most int64 }{{math.MaxInt64, 750 << 20}, {100 << 20, 100 << 20}} {
		debug.SetMemoryLimit(c.set)
		New(Config{Limit: 1000 << 20}).Soften()
		if got := debug.SetMemoryLimit(-1); got > c.most || got < min(c.most, 600<<20) {
			t.Errorf("with GOMEMLIMIT %d the collector's limit is %d", c.set, got)
		}
	}
}

func BenchmarkUsed(b *testing.B) {
	m := New(Config{Limit: 1 << 40})
	b.ReportAllocs()
	for b.Loop() {
		m.Used()
	}
}
