// Package server is a Parley process for fault scenarios: they start it in dev mode on a free port of loopback, signal
// it, kill it, watch it, and start it again on the same address.
//
// It promises that no process outlives Stop nor the scenarios' own process, that Start returns when the server serves
// and records how long that took, and that errors hold the server's last output.
//
// It asks for Linux. Many goroutines may use a Server; one at a time may call Start, Kill and Stop.
package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// timeout is how long a server may take to serve, and to end.
const timeout = 20 * time.Second

// Conditions are what a server runs under; the zero value is dev mode without its sample feed.
type Conditions struct {
	// Args and Env are added to those of dev mode.
	Args, Env []string
	// Files bounds its file descriptors; 0 leaves the limit of the harness.
	Files int
	// Within runs the functions that open sockets and start the process, on another thread than the caller's; nil runs
	// them there.
	Within func(do func())
}

// Server is one server, which may live several times.
type Server struct {
	// Static after New.
	binary     string
	conditions Conditions
	client     *http.Client

	// Address is where it serves, from its first start on.
	Address string
	// Took is how long its last start took, from the fork until /readyz answered 200.
	Took time.Duration

	command *exec.Cmd
	said    *tail
	ended   chan struct{} // closed when the process has ended
}

// New makes a server that does not run yet.
func New(binary string, c Conditions) *Server {
	if c.Within == nil {
		c.Within = func(do func()) { do() }
	}
	dialer := net.Dialer{Timeout: timeout}
	transport := &http.Transport{MaxIdleConnsPerHost: 256, MaxIdleConns: 256, DisableCompression: true,
		DialContext: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
			c.Within(func() { conn, err = dialer.DialContext(ctx, network, address) })
			return conn, err
		}}
	return &Server{binary: binary, conditions: c, client: &http.Client{Transport: transport, Timeout: timeout}}
}

// serving is the line that tells where it serves.
var serving = regexp.MustCompile(`msg=serving address=(\S+)`)

// Start starts the server, the first time on a free port and then on the same one again, and blocks until it is ready.
func (s *Server) Start(ctx context.Context) error {
	s.client.CloseIdleConnections()
	listen := s.Address
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	line := append([]string{s.binary, "serve", "--dev", "--feed=false", "--listen", listen}, s.conditions.Args...)
	if s.conditions.Files > 0 {
		line = append([]string{"/bin/sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$@"`, s.conditions.Files), "sh"},
			line...)
	}
	s.command = exec.CommandContext(ctx, line[0], line[1:]...)
	s.command.Env = append(environ(), s.conditions.Env...)
	s.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	s.said, s.ended = &tail{address: make(chan string, 1)}, make(chan struct{})
	s.command.Stdout, s.command.Stderr = s.said, s.said
	began := time.Now()
	var err error
	if s.conditions.Within(func() { err = s.command.Start() }); err != nil {
		return err
	}
	go func(command *exec.Cmd, ended chan struct{}) { _ = command.Wait(); close(ended) }(s.command, s.ended)
	if err := s.await(ctx); err != nil {
		s.Stop()
		return fmt.Errorf("the server does not serve: %w; it said: %s", err, s.said)
	}
	s.Took = time.Since(began)
	return nil
}

// environ is the environment without what would configure the server.
func environ() (kept []string) {
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "PARLEY_") {
			kept = append(kept, entry)
		}
	}
	return kept
}

// await waits until the server is ready.
func (s *Server) await(ctx context.Context) error {
	late := time.NewTimer(timeout)
	defer late.Stop()
	select {
	case s.Address = <-s.said.address:
	case <-s.ended:
		return errors.New("it ended")
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		return fmt.Errorf("it did not tell its address within %s", timeout)
	}
	for {
		if answer, err := s.client.Get("http://" + s.Address + "/readyz"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.ended:
			return errors.New("it ended")
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			return fmt.Errorf("it was not ready within %s", timeout)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Hush closes the scenarios' own idle connections, so that the server's figures do not contain them.
func (s *Server) Hush() { s.client.CloseIdleConnections() }

// Pid is the process id.
func (s *Server) Pid() int { return s.command.Process.Pid }

// Said is its last output.
func (s *Server) Said() string { return s.said.String() }

// Complained reports whether its log has a warning or an error since its start.
func (s *Server) Complained() bool {
	said := s.said.String()
	return strings.Contains(said, "level=WARN") || strings.Contains(said, "level=ERROR")
}

// Signal sends it a signal.
func (s *Server) Signal(signal syscall.Signal) error { return s.command.Process.Signal(signal) }

// Alive reports whether the process still runs.
func (s *Server) Alive() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// Kill ends it with kill -9 and waits for its end.
func (s *Server) Kill() {
	_ = s.command.Process.Kill() // an error says that it has ended
	<-s.ended
}

// Exit blocks until the process has ended, and returns its status; -1 is a death by a signal.
func (s *Server) Exit(within time.Duration) (int, error) {
	select {
	case <-s.ended:
		return s.command.ProcessState.ExitCode(), nil
	case <-time.After(within):
		return 0, fmt.Errorf("the server did not end within %s", within)
	}
}

// Stop kills the server if it runs, and waits for its end.
func (s *Server) Stop() {
	if s.command != nil && s.command.Process != nil {
		s.Kill()
	}
	s.client.CloseIdleConnections()
}

// tail keeps what the server said last, and finds its address. It is safe for concurrent use.
type tail struct {
	address chan string

	mu    sync.Mutex
	text  []byte // at most kept bytes
	found bool
}

// kept is how much of a server's output is kept, in bytes.
const kept = 8 << 10

func (t *tail) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, text...)
	if !t.found {
		if line := serving.FindSubmatch(t.text); line != nil {
			t.address <- string(line[1])
			t.found = true
		}
	}
	if extra := len(t.text) - kept; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(text), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}
