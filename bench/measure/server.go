package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is the process that is measured.
type server struct {
	command *exec.Cmd
	address string
}

var serving = regexp.MustCompile(`msg=serving address=(\S+)`)

// start starts a server in dev mode on a free port and returns when it serves.
func start(binary string) (*server, error) {
	command := exec.Command(binary, "serve", "--dev", "--feed=false", "--listen", "127.0.0.1:0")
	log, err := command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	s := &server{command: command}
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if found := serving.FindStringSubmatch(lines.Text()); found != nil {
			s.address = found[1]
			go func() { _, _ = io.Copy(io.Discard, log) }() // ends with the process
			return s, nil
		}
	}
	s.stop()
	return nil, fmt.Errorf("%s did not say that it serves", binary)
}

func (s *server) stop() {
	_ = s.command.Process.Signal(syscall.SIGTERM)
	_ = s.command.Wait()
}

// figures are what the kernel tells of the process.
type figures struct {
	resident  int64 // bytes
	processor time.Duration
}

// ticks is the unit of /proc/PID/stat, which is 100 a second on Linux whatever the kernel's own clock is.
const ticks = 100

func (s *server) figures() (figures, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.command.Process.Pid))
	if err != nil {
		return figures{}, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name, which may hold anything
	fields := strings.Fields(rest)
	if len(fields) < 22 {
		return figures{}, fmt.Errorf("cannot read %q", text)
	}
	number := func(i int) int64 { n, _ := strconv.ParseInt(fields[i], 10, 64); return n }
	return figures{
		resident:  number(21) * int64(os.Getpagesize()),
		processor: time.Duration(number(11)+number(12)) * time.Second / ticks,
	}, nil
}

func send(r *http.Request) error {
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("a publish got %d %s", answer.StatusCode, text)
	}
	return err
}
