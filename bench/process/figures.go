package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Figures are the memory and processor time of a process and all that it started, from the kernel.
type Figures struct {
	Resident  int64 // bytes
	Processor time.Duration
}

// Figures reads the figures now. A server that has ended is an error, which holds its last output.
func (s *Process) Figures() (Figures, error) {
	select {
	case <-s.ended:
		return Figures{}, fmt.Errorf("the server ended; it said: %s", s.log)
	default:
	}
	var all Figures
	for _, pid := range tree(s.Pid(), nil) {
		resident, err := resident(pid)
		if err != nil {
			return Figures{}, err
		}
		processor, err := Processor(pid)
		if err != nil {
			return Figures{}, err
		}
		all.Resident += resident
		all.Processor += processor
	}
	return all, nil
}

// tree appends pid and what it started.
func tree(pid int, pids []int) []int {
	pids = append(pids, pid)
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		children, _ := os.ReadFile(file) // a thread that has ended
		for child := range bytes.FieldsSeq(children) {
			if n, err := strconv.Atoi(string(child)); err == nil {
				pids = tree(n, pids)
			}
		}
	}
	return pids
}

// Processor is how long a process has had a processor, its ended threads included. The kernel's clock of another
// process counts nanoseconds, where /proc/PID/stat has hundredths of a second.
func Processor(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
		return 0, fmt.Errorf("the clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// resident is the memory of a process in bytes. statm would be cheaper, but lags behind by what each processor counts
// on its own.
func resident(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	_, rest, found := bytes.Cut(text, []byte("\nRss:"))
	fields := bytes.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, errors.New("smaps_rollup has no Rss")
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return kib << 10, err
}
