package server

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/bench/process"
)

// Figures are what the kernel and the server itself report about it.
type Figures struct {
	Resident   int64 // bytes
	Peak       int64 // the most that Resident ever was
	Heap       int64 // bytes of live and not yet collected objects
	Goroutines int64
	Files      int64 // open file descriptors
	// Connections are those that are open, and Slow those ever closed because they did not keep up.
	Connections, Slow int64
	Stage, Shed       int64         // how short memory is (0 is calm), and how often something was shed for that
	Processor         time.Duration // that it used so far
}

// Figures reads them now.
func (s *Server) Figures() (f Figures, err error) {
	if f.Resident, err = s.status("VmRSS"); err != nil {
		return f, err
	}
	if f.Peak, err = s.status("VmHWM"); err != nil {
		return f, err
	}
	if f.Processor, err = process.Processor(s.Pid()); err != nil {
		return f, err
	}
	answer, err := s.client.Get("http://" + s.Address + "/metrics")
	if err != nil {
		return f, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return f, fmt.Errorf("/metrics answered %d", answer.StatusCode)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(answer.Body); err != nil {
		return f, err
	}
	f.Heap, f.Goroutines = sum(text.Bytes(), "go_memstats_heap_alloc_bytes"), sum(text.Bytes(), "go_goroutines")
	f.Files, f.Connections = sum(text.Bytes(), "process_open_fds"), sum(text.Bytes(), "parley_connections")
	f.Stage, f.Shed = sum(text.Bytes(), "parley_memory_stage"), sum(text.Bytes(), "parley_memory_shed_total")
	f.Slow = sum(text.Bytes(), `parley_drops_total{reason="slow"}`)
	return f, nil
}

// sum adds up all values of a metric, whatever its labels.
func sum(text []byte, name string) int64 {
	total := 0.0
	for line := range bytes.Lines(text) {
		rest, found := bytes.CutPrefix(line, []byte(name))
		if !found || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		fields := bytes.Fields(rest)
		value, err := strconv.ParseFloat(string(fields[len(fields)-1]), 64)
		if err == nil {
			total += value
		}
	}
	return int64(total)
}

// Resident is its memory in bytes, without asking the server.
func (s *Server) Resident() (int64, error) { return s.status("VmRSS") }

// Forget resets Peak to what is resident now.
func (s *Server) Forget() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.Pid()), []byte("5"), 0)
}

// status is a figure in /proc/PID/status, in bytes.
func (s *Server) status(name string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Pid()))
	if err != nil {
		return 0, err
	}
	_, rest, found := bytes.Cut(text, []byte("\n"+name+":"))
	fields := bytes.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, fmt.Errorf("the kernel does not tell %s of the server, which may have ended; it said: %s", name,
			s.said)
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return kib << 10, err
}
