package memory

import (
	"fmt"
	"math"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Config is what can be set.
type Config struct {
	Limit int64 `yaml:"limit" env:"LIMIT" envDefault:"0" unit:"bytes"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"limit": "How much memory the server may use; it sheds load before. 0 is 90 % of the cgroup's limit or " +
			"GOMEMLIMIT, whichever is less, else 75 % of the machine's memory.",
	}
}

// Least is the least limit that can be set, in bytes: a server without clients uses some 32 MiB.
const Least = 64 << 20

// Check returns what is wrong with the settings.
func (c *Config) Check() error {
	if c.Limit > 0 && c.Limit < Least {
		return fmt.Errorf("limit is %d bytes; the least is %d", c.Limit, Least)
	}
	return nil
}

// The shares of a foreign limit that are for this process. In a cgroup the kernel also counts its memory for sockets; a
// machine has other processes.
const (
	ofCgroup  = 90 // percent
	ofMachine = 75
)

// Limit is how many bytes the process may use, and who says so.
type Limit struct {
	Bytes int64
	From  string // for the log
}

// sources are where a limit may come from; 0 is none.
type sources struct{ cgroup, runtime, machine func() int64 }

var system = sources{
	cgroup:  func() int64 { return told(memlimit.FromCgroup) },
	runtime: goMemLimit,
	machine: func() int64 { return told(memlimit.FromSystem) },
}

func told(by memlimit.Provider) int64 {
	bytes, err := by()
	if err != nil || bytes > math.MaxInt64/100 {
		return 0
	}
	return int64(bytes)
}

// goMemLimit is what GOMEMLIMIT says.
func goMemLimit() int64 {
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64/100 {
		return limit
	}
	return 0
}

// limit is what holds for a setting.
func (s *sources) limit(set int64) Limit {
	if set > 0 {
		return Limit{set, "memory.limit"}
	}
	cgroup, runtime := s.cgroup()/100*ofCgroup, s.runtime()
	switch {
	case runtime > 0 && (cgroup == 0 || runtime < cgroup):
		return Limit{runtime, "GOMEMLIMIT"}
	case cgroup > 0:
		return Limit{cgroup, fmt.Sprintf("%d %% of the cgroup's", ofCgroup)}
	}
	return Limit{s.machine() / 100 * ofMachine, fmt.Sprintf("%d %% of the machine's", ofMachine)}
}
