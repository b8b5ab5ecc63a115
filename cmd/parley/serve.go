package main

import (
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/logline"
	"github.com/parley-realtime/parley/cmd/parley/memory"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/cmd/parley/server"
	"github.com/parley-realtime/parley/cmd/parley/systemd"
)

type serveCommand struct {
	Config         string         `short:"c" env:"PARLEY_CONFIG" placeholder:"FILE" help:"${serve_config}"`
	Listen         string         `placeholder:"ADDR" help:"Where clients and backends connect (127.0.0.1:8000)."`
	InternalListen string         `placeholder:"ADDR" help:"${serve_internal_listen}"`
	Drain          *time.Duration `placeholder:"TIME" help:"${serve_drain}"`
	Data           string         `placeholder:"DIR" help:"Where the server keeps what must survive it."`
	Dev            bool           `help:"Dev mode: nothing to configure, loopback alone, public keys, a sample feed."`
	Feed           *bool          `negatable:"" help:"${serve_feed}"`
	ReadyFile      string         `placeholder:"FILE" help:"${serve_ready_file}"`
	DebugEcho      bool           `hidden:"" help:"Speak the protocols for conformance tests, too."`
}

// sources are where the configuration comes from, the first time and after each SIGHUP.
func (c *serveCommand) sources() config.Sources {
	from := config.Sources{Protocols: protocols.All, File: c.Config, Dev: c.Dev, Environ: os.Environ()}
	if c.DebugEcho {
		from.Protocols = slices.Concat(protocols.All, protocols.Debug)
	}
	if c.Config == "" && !c.Dev {
		from.File = "parley.yaml"
	}
	for _, flag := range []config.Flag{
		{Name: "--listen", Key: "listen", Value: c.Listen},
		{Name: "--internal-listen", Key: "internal_listen", Value: c.InternalListen},
		{Name: "--data", Key: "data", Value: c.Data},
	} {
		if flag.Value != "" {
			from.Flags = append(from.Flags, flag)
		}
	}
	if c.Drain != nil {
		from.Flags = append(from.Flags, config.Flag{Name: "--drain", Key: "drain", Value: c.Drain.String()})
	}
	if c.Feed != nil {
		from.Flags = append(from.Flags, config.Flag{Name: "--feed", Key: "feed", Value: strconv.FormatBool(*c.Feed)})
	}
	return from
}

// Run serves until a signal. A log whose reader is slow, gone or full holds up nothing here.
func (c *serveCommand) Run() error {
	signal.Ignore(syscall.SIGPIPE) // a write to a stream that nobody reads is an error like any other
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	loaded := config.Load(c.sources())
	if len(loaded.Problems) > 0 {
		return loaded.Problems
	}
	log, lines, err := logline.Open(os.Stderr, loaded.Config.Log.Format, loaded.Config.Log.Level)
	if err != nil {
		return err
	}
	defer lines.Close(lastLines)
	slog.SetDefault(log)
	p := &process{command: c, log: log, lines: lines, signals: signals, systemd: systemd.New(os.Getenv)}
	p.logWarnings(loaded)
	ready := readyFile{c.ReadyFile}
	if err := ready.remove(); err != nil {
		return err
	}
	defer func() { _ = ready.remove() }()
	held := memory.New(loaded.Config.Memory)
	options := server.Options{Version: version, Dev: c.Dev, LogLost: lines.Lost, Exit: p.exit}
	if held != nil {
		held.Soften()
		options.Memory = held
	}
	s, err := p.newServer(loaded.Config, options)
	if s == nil || err != nil {
		return err
	}
	if held != nil {
		log.Info("memory is limited", "bytes", held.Limit(), "by", held.From())
	}
	if !config.Loopback(s.Address()) && !loaded.Config.TLS.On() {
		log.Warn("clients connect without TLS; set tls, or let only a proxy that speaks TLS reach this address",
			"address", s.Address())
	}
	return p.serve(s, &loaded.Config)
}
