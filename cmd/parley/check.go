package main

import (
	"context"
	"fmt"
	"os"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
)

type checkCommand struct {
	Config string `short:"c" default:"parley.yaml" env:"PARLEY_CONFIG" placeholder:"FILE" help:"${check_config}"`
	Dev    bool   `help:"Check it for dev mode."`
}

// Run prints every problem, or ok. A service outside that cannot be reached now is a warning: it may be there when the
// server starts, which goes without it until it is.
func (c *checkCommand) Run() error {
	loaded := config.Load(config.Sources{Protocols: protocols.All, File: c.Config, Dev: c.Dev, Environ: os.Environ()})
	problems := append(loaded.Problems, loaded.Refused...)
	for _, p := range problems {
		fmt.Println(p)
	}
	for _, p := range append(loaded.Warnings, loaded.Expiring...) {
		fmt.Fprintln(os.Stderr, "warning:", p)
	}
	for _, name := range loaded.Unknown {
		fmt.Fprintln(os.Stderr, "warning: the environment has", name, "which is no setting")
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
	for _, w := range loaded.Probe(context.Background()) {
		fmt.Fprintln(os.Stderr, "warning:", w)
	}
	fmt.Println("ok")
	return nil
}

type configCommand struct{}

// Run prints the table of settings.
func (configCommand) Run() error { return config.Print(os.Stdout, protocols.All) }
