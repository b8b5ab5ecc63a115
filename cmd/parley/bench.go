package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/load"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/cmd/parley/terminal"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

type benchCommand struct {
	serverFlags
	terminal.Output
	Dialect string        `required:"" enum:"${dialects}" help:"The protocol that clients speak: one of ${dialects}."`
	Token   string        `env:"PARLEY_TOKEN" help:"${bench_token}"`
	Clients int           `default:"100" placeholder:"N" help:"How many clients listen (${default})."`
	Rate    float64       `default:"10" placeholder:"N" help:"How many events are published a second (${default})."`
	For     time.Duration `default:"10s" help:"How long (${default})."`
	Size    int           `default:"160" placeholder:"BYTES" help:"About how long an event's text is (${default})."`
	Payload string        `placeholder:"FILE" help:"${bench_payload}"`
	Kind    string        `default:"json" help:"The kind of the payload's events (${default})."`
	Topic   string        `help:"Publish to this topic; by default to all clients of the tenant."`
	Flood   bool          `name:"yes-i-may" help:"The server is not on this machine, and you may load it."`
	Topics  []string      `arg:"" optional:"" name:"topics" help:"${listen_topics}"`
}

// Run makes a run and prints what it came to. Its status is 1 if something was not delivered.
func (c *benchCommand) Run() error {
	plan, err := c.plan()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	if isatty.IsTerminal(os.Stderr.Fd()) {
		plan.Progress = showProgress
	}
	made, err := load.Run(ctx, plan)
	if plan.Progress != nil {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
	if err != nil {
		return err
	}
	if err := printBench(c.Printer(os.Stdout), &made); err != nil {
		return err
	}
	if made.Missing > 0 || made.Failed > 0 || made.Broken > 0 {
		return &terminal.Exit{Status: terminal.Failed}
	}
	return nil
}

func (c *benchCommand) plan() (plan load.Plan, err error) {
	at, err := c.target()
	if err != nil {
		return plan, err
	}
	if !local(at.url) && !c.Flood {
		return plan, fmt.Errorf("%s is not this machine: --yes-i-may says that you may load it", at.url)
	}
	plan = load.Plan{API: client.API{Base: at.url, Key: at.key}, Dialect: c.Dialect, Topics: c.Topics, For: c.For,
		Speaks: client.DialectsOf(protocols.All)[c.Dialect], Clients: c.Clients, Rate: c.Rate}
	if plan.Speaks.Credential == protocol.Outpost {
		return plan, errors.New("outposts are few, and hear no load: choose another dialect")
	}
	plan.Publish = client.PublishRequest{Topic: c.Topic, All: c.Topic == "", Event: load.Message(c.Size)}
	if c.Payload != "" {
		text, err := os.ReadFile(c.Payload)
		if err != nil {
			return plan, err
		}
		plan.Publish.Event = client.Event{Kind: c.Kind, Data: bytes.TrimSpace(text)}
	}
	if plan.Token, err = c.tokens(at); err != nil {
		return plan, err
	}
	return plan, plan.Check()
}

// tokens are what the clients show: all the same one, or for a server on this machine each one of dev mode.
func (c *benchCommand) tokens(at target) (func(int) (string, error), error) {
	token := cmp.Or(c.Token, at.token)
	if token != "" || !local(at.url) {
		return func(int) (string, error) { return token, nil }, nil
	}
	sign, err := devSigner()
	return func(i int) (string, error) { return sign(auth.Grant{User: fmt.Sprintf("bench-%d", i+1)}) }, err
}

// showProgress draws a bar over the line of before.
func showProgress(p load.Progress) {
	const width = 30
	done := min(int(p.Done*width), width)
	fmt.Fprintf(os.Stderr, "\r\x1b[K%-10s [%s%s] %d clients, %d events, %d deliveries", p.Phase,
		strings.Repeat("#", done), strings.Repeat("-", width-done), p.Connected, p.Published, p.Deliveries)
}

func printBench(p *terminal.Printer, r *load.Report) error {
	if p.JSON() {
		return p.Value(r)
	}
	err := p.Line("%d clients of %s, %d events in %.1fs: %.1f published and %.0f delivered a second", r.Clients,
		r.Dialect, r.Published, r.Seconds, r.PublishRate, r.PerSecond)
	var rows [][]string
	for _, row := range []struct {
		name string
		l    load.Latencies
	}{{"connect", r.Connects}, {"publish", r.Publishes}, {"delivery", r.Deliveries}, {"late", r.Late}} {
		cells := []string{row.name, fmt.Sprint(row.l.Count)}
		for _, ms := range []float64{row.l.P50, row.l.P90, row.l.P99, row.l.P999, row.l.Max} {
			cells = append(cells, fmt.Sprintf("%.2f", ms))
		}
		rows = append(rows, cells)
	}
	err = errors.Join(err, p.Table([]string{"MS", "COUNT", "P50", "P90", "P99", "P99.9", "MAX"}, rows))
	if r.Missing+r.Broken > 0 || r.Failed > 0 {
		bad := fmt.Sprintf("%d deliveries are missing, %d publishes failed, %d connections broke: %s", r.Missing,
			r.Failed, r.Broken, r.FirstError)
		err = errors.Join(err, p.Line("%s", p.Paint(terminal.Red, bad)))
	}
	return err
}
