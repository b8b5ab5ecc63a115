// Package process is the process of a server under test. It starts the server, waits until it serves, reads the
// kernel's figures of it, and kills it together with everything that it started.
//
// It promises that no process outlives Stop, nor the benchmark itself, and that the error holds the server's last
// output if it does not start.
//
// It asks for Linux, and for a server that serves on 127.0.0.1.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/parley-realtime/parley/bench/target"
)

// timeout is how long a server may take until it serves.
const timeout = 20 * time.Second

// Process is a running server.
type Process struct {
	// Address is where its clients connect; Values are what its description was filled in with (ports).
	Address string
	Values  target.Values
	command *exec.Cmd
	log     *tail
	ended   chan struct{}
}

// Certificate is that of a server which speaks TLS: the names of two PEM files.
type Certificate struct{ Chain, Key string }

// Start starts the target's server and blocks until it serves, for at most 20 s. root is the root of the repository;
// with a certificate the server speaks TLS. Its errors hold the server's last output.
func Start(ctx context.Context, p *target.Target, root string, cert *Certificate) (*Process, error) {
	ports, err := free(2)
	if err != nil {
		return nil, err
	}
	words := target.Values{Port: ports[0], Port2: ports[1]}
	env := p.Env
	if cert != nil {
		words.Certificate, words.Key = cert.Chain, cert.Key
		env = slices.Concat(env, p.Secure.Env)
	}
	line := fill(&words, p.Command)
	command := Command(ctx, root, p, line)
	command.Env = append(command.Env, fill(&words, env)...)
	s := &Process{Address: fmt.Sprint("127.0.0.1:", words.Port), Values: words, command: command,
		ended: make(chan struct{})}
	s.log = newTail(&p.Ready)
	command.Stdout, command.Stderr = s.log, s.log
	if err := command.Start(); err != nil {
		return nil, err
	}
	go func() { _ = command.Wait(); close(s.ended) }() // Stop waits for it
	if err := s.await(ctx, p); err != nil {
		s.Stop()
		return nil, fmt.Errorf("%s: %w; it said: %s", strings.Join(line, " "), err, s.log)
	}
	return s, nil
}

func fill(words *target.Values, list []target.Template) (texts []string) {
	for i := range list {
		texts = append(texts, list[i].Fill(words))
	}
	return texts
}

// Command is a command of a target. It ends with this process, and ctx kills it together with what it started.
func Command(ctx context.Context, root string, p *target.Target, line []string) *exec.Cmd {
	command := exec.CommandContext(ctx, line[0], line[1:]...)
	command.Dir = root
	if p.Dir != "" {
		command.Dir = root + "/" + p.Dir
	}
	command.Env = os.Environ()
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	return command
}

// Pid is the process id.
func (s *Process) Pid() int { return s.command.Process.Pid }

// Log is the server's last output, at most 4 KiB.
func (s *Process) Log() string { return s.log.String() }

// Stop kills the server and all that it started. It blocks until the server has ended.
func (s *Process) Stop() {
	_ = s.command.Cancel()
	<-s.ended
}

// await waits until the server serves.
func (s *Process) await(ctx context.Context, p *target.Target) error {
	late := time.NewTimer(timeout)
	defer late.Stop()
	if p.Ready.Line != "" {
		select {
		case s.Address = <-s.log.address:
			return nil
		case <-s.ended:
			return errors.New("it ended")
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			return fmt.Errorf("it did not print a line that matches %q for %s", p.Ready.Line, timeout)
		}
	}
	try := time.NewTicker(20 * time.Millisecond)
	defer try.Stop()
	for {
		if serves(ctx, s.Address, p.Ready.HTTP) {
			return nil
		}
		select {
		case <-try.C:
		case <-s.ended:
			return errors.New("it ended")
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			return fmt.Errorf("it did not serve for %s", timeout)
		}
	}
}
