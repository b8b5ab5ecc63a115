package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/doctor"
	"github.com/parley-realtime/parley/cmd/parley/memory"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/cmd/parley/terminal"
	"github.com/parley-realtime/parley/transport/webhook"
)

type doctorCommand struct {
	serverFlags
	terminal.Output
	JSON   bool          `name:"json" help:"The same as --output json."`
	Token  string        `env:"PARLEY_TOKEN" help:"${listen_token}"`
	Config string        `short:"c" env:"PARLEY_CONFIG" placeholder:"FILE" help:"${doctor_config}"`
	Data   string        `placeholder:"DIR" help:"The data directory; by default that of the configuration."`
	Wait   time.Duration `default:"30s" help:"${doctor_wait}"`
	Only   []string      `placeholder:"CHECK" enum:"${doctor_checks}" help:"Only these checks: ${doctor_checks}."`
}

// Run looks. Its status is 1 if something is wrong, else 2 if something could not be looked at.
func (c *doctorCommand) Run() error {
	setup, err := c.setup()
	if err != nil {
		return err
	}
	if c.JSON {
		c.Output.Output = "json"
	}
	ctx, stop := untilSignal()
	defer stop()
	p := c.Printer(os.Stdout)
	if setup.Idle > 0 && !p.JSON() {
		fmt.Fprintf(os.Stderr, "parley: a connection has to be silent for %s; --wait 0s does without\n", setup.Idle)
	}
	found := doctor.Look(ctx, setup, c.Only...)
	if err := report(p, found); err != nil {
		return err
	}
	switch {
	case doctor.Count(found, doctor.Wrong) > 0:
		return &terminal.Exit{Status: terminal.Failed}
	case doctor.Count(found, doctor.Unknown) > 0:
		return &terminal.Exit{Status: terminal.Unreached}
	}
	return nil
}

// setup is what is looked at: the machine, the server of the flags, and what the configuration names.
func (c *doctorCommand) setup() (*doctor.Setup, error) {
	at, err := c.target()
	if err != nil {
		return nil, err
	}
	s := &doctor.Setup{Root: "/", API: client.API{Base: at.url, Key: at.key}, Token: cmp.Or(c.Token, at.token),
		Dialects: client.DialectsOf(protocols.All), Data: c.Data, Idle: c.Wait}
	if at.key == config.DevAPIKey && !local(at.url) {
		s.API.Key = "" // nobody has given one
	}
	if s.Token == "" && local(at.url) {
		s.TokenMade = true
		if s.Token, err = devToken("doctor"); err != nil {
			return nil, err
		}
	}
	return s, c.addConfig(s)
}

// addConfig adds what the configuration says, if there is one.
func (c *doctorCommand) addConfig(s *doctor.Setup) error {
	limits := memory.Config{}
	if c.Config != "" {
		loaded := config.Load(config.Sources{Protocols: protocols.All, File: c.Config, Environ: os.Environ()})
		if len(loaded.Problems) > 0 {
			return loaded.Problems
		}
		limits, s.Data = loaded.Config.Memory, cmp.Or(s.Data, loaded.Config.Data)
		addServices(s, loaded)
	}
	if held := memory.New(limits); held != nil {
		s.MemoryLimit = func() (int64, string) { return held.Limit(), held.From() }
	}
	return nil
}

// addServices adds what a configuration says of the services around the server.
func addServices(s *doctor.Setup, loaded *config.Result) {
	s.Webhooks = map[string]func(context.Context) error{}
	for i := range loaded.Config.Tenants {
		t := &loaded.Config.Tenants[i]
		for j := range t.Keys {
			if t.Keys[j].JWKSURL != "" {
				s.KeySets++
			}
		}
		if !t.Lifecycle.Webhook.Enabled() {
			continue
		}
		s.Webhooks[t.Name] = func(ctx context.Context) error {
			hook, err := t.Lifecycle.ReadWebhook()
			if err != nil {
				return err
			}
			return webhook.Probe(ctx, hook, t.Name)
		}
	}
	s.ProbeKeySets = func(ctx context.Context) (texts []string) {
		for _, problem := range loaded.Probe(ctx) {
			texts = append(texts, problem.String())
		}
		return texts
	}
}

// report prints the findings: for each a line, and below what is wrong how to repair it.
func report(p *terminal.Printer, found []doctor.Finding) error {
	if p.JSON() {
		return p.Value(map[string]any{"checks": found, "well": doctor.Count(found, doctor.Well),
			"wrong": doctor.Count(found, doctor.Wrong), "unknown": doctor.Count(found, doctor.Unknown),
			"skipped": doctor.Count(found, doctor.Skipped)})
	}
	colours := map[doctor.Verdict]terminal.Colour{doctor.Well: terminal.Green, doctor.Wrong: terminal.Red,
		doctor.Unknown: terminal.Yellow, doctor.Skipped: terminal.Dim}
	for _, f := range found {
		err := p.Line("%s  %-11s  %s", p.Paint(colours[f.Verdict], fmt.Sprintf("%-7s", f.Verdict)), f.Check, f.Measured)
		if f.Verdict == doctor.Wrong {
			err = errors.Join(err, p.Line("         what         %s", f.What),
				p.Line("         wanted       %s", f.Wanted), p.Line("         repair       %s", f.Fix))
		}
		if err != nil {
			return err
		}
	}
	return p.Line("%s", strings.Join([]string{count(found, doctor.Well), count(found, doctor.Wrong),
		count(found, doctor.Unknown), count(found, doctor.Skipped)}, ", "))
}

func count(found []doctor.Finding, v doctor.Verdict) string {
	return fmt.Sprintf("%d %s", doctor.Count(found, v), v)
}
