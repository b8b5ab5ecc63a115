package main

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/logline"
	"github.com/parley-realtime/parley/cmd/parley/server"
	"github.com/parley-realtime/parley/cmd/parley/systemd"
)

// process is the server as its operating system sees it: signals come in, and an exit status goes out whatever the log,
// the disk and the clients do.
type process struct {
	command *serveCommand
	log     *slog.Logger
	lines   *logline.Queue // of log
	signals <-chan os.Signal
	systemd *systemd.Notifier
}

const (
	// closeTimeout bounds the wait for requests that are being answered when all else has ended.
	closeTimeout = 3 * time.Second

	// leaveTimeout is how much longer the parts of the server may take to end. One that does not, such as a store whose
	// disk has no room, is left behind: whatever was answered is safe with a process that is killed, too.
	leaveTimeout = 2 * time.Second
)

// logWarnings logs the doubts about a configuration that can be used.
func (p *process) logWarnings(loaded *config.Result) {
	for _, name := range loaded.Unknown {
		p.log.Warn("no setting has this name in the environment", "variable", name)
	}
	for _, refused := range loaded.Refused {
		p.log.Error("clients do not connect", "cause", refused.String())
	}
	for _, expiring := range loaded.Expiring {
		p.log.Warn("clients will not connect much longer", "cause", expiring.String())
	}
}

// newServer makes the server. A signal to end ends the wait for it; the server is nil then.
func (p *process) newServer(cfg config.Config, options server.Options) (*server.Server, error) {
	made, failed := make(chan *server.Server, 1), make(chan error, 1)
	go func() {
		if s, err := server.New(cfg, options, p.log); err != nil {
			failed <- err
		} else {
			made <- s
		}
	}()
	for {
		select {
		case s := <-made:
			return s, nil
		case err := <-failed:
			return nil, err
		case received := <-p.signals:
			if received != syscall.SIGHUP { // the configuration is being read anyway
				p.log.Info("ended by a signal before it served", "signal", received.String())
				return nil, nil
			}
		}
	}
}

// serve runs the server to its end, and what the process does beside it.
func (p *process) serve(s *server.Server, cfg *config.Config) error {
	ctx, stop := context.WithCancel(context.Background())
	var beside sync.WaitGroup
	defer beside.Wait()
	defer stop()
	beside.Go(func() { collect(ctx.Done()) })
	s.Run()
	p.log.Info("serving", "address", s.Address(), "internal", s.Internal(), "version", version, "tls", cfg.TLS.On())
	if p.command.Dev {
		stdout := logline.NewQueue(os.Stdout, nil)
		defer stdout.Close(lastLines)
		if err := printBanner(stdout, s, cfg.Protocols); err != nil {
			return err
		}
	}
	if err := (readyFile{p.command.ReadyFile}).write(s); err != nil {
		p.shutdown(s)
		return err
	}
	p.systemd.Ready("serving on " + s.Address())
	beside.Go(func() { p.systemd.Watch(ctx, s.Healthy) })
	return p.handleSignals(s)
}

// handleSignals obeys signals until one ends the server, or the server fails.
func (p *process) handleSignals(s *server.Server) error {
	for {
		select {
		case err := <-s.Failed():
			p.shutdown(s)
			return err
		case received := <-p.signals:
			if received != syscall.SIGHUP {
				p.shutdown(s)
				return nil
			}
			p.systemd.Reloading()
			p.systemd.Ready(p.reload(s))
		}
	}
}

// shutdown drains and ends the server, within its time.
func (p *process) shutdown(s *server.Server) {
	go p.exitOnSecondSignal()
	p.systemd.Stopping(s.DrainTime()+closeTimeout+leaveTimeout, "draining")
	s.Drain(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		s.Close(ctx)
	}()
	select {
	case <-ended:
		p.log.Info("ended")
	case <-time.After(closeTimeout + leaveTimeout):
		p.log.Warn("ended without waiting any longer for what has not ended by itself")
	}
}

// exitOnSecondSignal ends the process when a second signal comes; otherwise the process ends with the drain.
func (p *process) exitOnSecondSignal() {
	for received := range p.signals {
		if received != syscall.SIGHUP {
			p.log.Warn("second signal, ending at once", "signal", received.String())
			p.exit(1)
		}
	}
}

// exit ends the process at once, after a moment for its last lines.
func (p *process) exit(status int) {
	p.lines.Flush(hurriedLines)
	os.Exit(status)
}

// hurriedLines is the moment for the last lines of a process that ends at once.
const hurriedLines = 250 * time.Millisecond

// reload takes the configuration anew, and returns what came of it in a few words. A wrong one changes nothing.
func (p *process) reload(s *server.Server) string {
	loaded := config.Load(p.command.sources())
	for _, problem := range loaded.Problems {
		p.log.Error("the new configuration is wrong; the old one stays", "problem", problem.String())
	}
	if len(loaded.Problems) > 0 {
		return "serving with the old configuration, since the new one is wrong: " + loaded.Problems.Error()
	}
	p.logWarnings(loaded)
	if err := s.Reload(loaded.Config); err != nil {
		p.log.Error("the new configuration cannot be used; the old one stays", "problem", err)
		return "serving with the old configuration, since the new one cannot be used: " + oneLine(err)
	}
	return "serving on " + s.Address()
}
