// Package machine describes the machine of a benchmark, and waits until no other process uses it.
package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Machine is the machine that a benchmark ran on.
type Machine struct {
	Processor string  `json:"processor"`
	Cores     int     `json:"cores"`
	Memory    float64 `json:"memory_gib"`
	Kernel    string  `json:"kernel"`
	Go        string  `json:"go"`
	Files     uint64  `json:"file_descriptors"` // the limit of one process
}

// Describe reads the description from the kernel.
func Describe() (Machine, error) {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return Machine{}, err
	}
	var name unix.Utsname
	var memory unix.Sysinfo_t
	var files unix.Rlimit
	if err := errors.Join(unix.Uname(&name), unix.Sysinfo(&memory),
		unix.Getrlimit(unix.RLIMIT_NOFILE, &files)); err != nil {
		return Machine{}, err
	}
	return Machine{Processor: model(string(info)), Cores: runtime.NumCPU(),
		Memory: float64(memory.Totalram) * float64(memory.Unit) / (1 << 30),
		Kernel: unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:]),
		Go:     runtime.Version(), Files: files.Cur}, nil
}

// String is one line for a person.
func (m Machine) String() string {
	return fmt.Sprintf("%s, %d cores, %.0f GiB, %s, %s", m.Processor, m.Cores, m.Memory, m.Kernel, m.Go)
}

// model is the processor's name.
func model(info string) string {
	for line := range strings.Lines(info) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// Commit is the commit that root holds, with "+" behind it if files were changed since.
func Commit(ctx context.Context, root string) string {
	out, err := exec.CommandContext(ctx, "git", "-C", root, "describe", "--always", "--abbrev=12", "--dirty=+").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// idleShare is the share of the machine that others may use, and timeout how long Settle waits for that.
const (
	idleShare = 0.08
	interval  = 100 * time.Millisecond
	timeout   = 10 * time.Second
)

// Settle blocks until the machine is idle, for at most 10 s. It returns which share of it was still busy when it gave
// up, or 0.
func Settle(ctx context.Context) float64 {
	for end := time.Now().Add(timeout); ; {
		before := ticks()
		select {
		case <-time.After(interval):
		case <-ctx.Done():
			return 0
		}
		now := ticks()
		busy := now.share(before)
		if busy <= idleShare {
			return 0
		}
		if time.Now().After(end) {
			return busy
		}
	}
}

// usage is how many ticks all processors of the machine had, and how many of them they worked.
type usage struct{ all, worked int64 }

func (u usage) share(before usage) float64 {
	return float64(u.worked-before.worked) / float64(max(1, u.all-before.all))
}

// ticks reads the usage.
func ticks() usage {
	text, _ := os.ReadFile("/proc/stat") // there is one wherever Describe works
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return parse(string(line))
}

// parse reads "cpu user nice system idle iowait irq softirq steal guest guest_nice"; guests are in user already.
func parse(line string) usage {
	var u usage
	for i, field := range strings.Fields(line) {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil || i > 8 {
			continue
		}
		u.all += n
		if i != 4 && i != 5 {
			u.worked += n
		}
	}
	return u
}
