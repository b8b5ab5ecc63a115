package main

import (
	"context"
	"errors"
	"os"

	tea "charm.land/bubbletea/v2"
	"github.com/mattn/go-isatty"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/terminal"
	"github.com/parley-realtime/parley/cmd/parley/top"
)

type topCommand struct {
	serverFlags
	terminal.Output
	Internal string `placeholder:"URL" help:"${top_internal}"`
	Once     bool   `help:"Print what came about in one second, and end."`
}

// Run shows the screen until the user leaves it. Where the output is no terminal, or for JSON, it prints one snapshot.
func (c *topCommand) Run() error {
	at, err := c.target()
	if err != nil {
		return err
	}
	if c.Internal != "" {
		at.internal = c.Internal
	}
	ctx, stop := untilSignal()
	defer stop()
	source := top.NewSource(client.API{Base: at.url, Key: at.key}, at.internal)
	p := c.Printer(os.Stdout)
	if c.Once || p.JSON() || !isatty.IsTerminal(os.Stdout.Fd()) {
		report, err := top.Once(ctx, source.Sample)
		if err != nil {
			return err
		}
		return report.Print(p)
	}
	_, err = tea.NewProgram(top.New(at.url, source.Sample, p), tea.WithContext(ctx), tea.WithoutSignalHandler()).Run()
	if errors.Is(err, context.Canceled) || errors.Is(err, tea.ErrProgramKilled) {
		return nil // by a signal
	}
	return err
}
