// Command wsconform plays the conformance battery against any WebSocket server:
//
//	go run ./transport/websocket/conformance/wsconform --url ws://127.0.0.1:9000/echo
//	go run ./transport/websocket/conformance/wsconform --url ws://127.0.0.1:9000/ws --mode live --max-message 65536
//
// The last line is "N passed, N failed (N weak, N skipped)". The exit status is 0 if no case has failed, 1 if one has
// or more cases are weak than are allowed, and 2 if no server answers there or the command line makes no sense.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/parley-realtime/parley/transport/websocket/conformance"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Exit statuses.
const (
	good = iota
	bad
	senseless
)

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	c := &command{}
	err := c.parse(args, errs)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return good
	case err == nil && c.list:
		err = c.printCases(out)
		if err == nil {
			return good
		}
	case err == nil:
		status, err := c.play(ctx, out)
		if err == nil {
			return status
		}
		fmt.Fprintln(errs, "wsconform:", err)
		return senseless
	}
	fmt.Fprintln(errs, "wsconform:", err)
	return senseless
}

func (c *command) printCases(out io.Writer) error {
	cases, err := conformance.Select(c.options, c.target.Live)
	if err != nil {
		return err
	}
	for _, one := range cases {
		title := one.Title
		if one.Echo {
			title += "  [echo]"
		}
		fmt.Fprintf(out, "%-8s %-20s %s\n", one.ID, one.Section, title)
	}
	return nil
}

// play plays the battery and says how it went.
func (c *command) play(ctx context.Context, out io.Writer) (status int, err error) {
	c.options.Each = func(r conformance.Result) {
		if c.verbose || r.Outcome == conformance.Fail && !c.quiet {
			fmt.Fprintf(out, "%-5s%-8s%-62s %6.2fs  %s\n", r.Outcome, r.ID, r.Title, r.Took.Seconds(), r.Note)
		}
	}
	report, err := conformance.Run(ctx, c.target, c.options)
	if err != nil {
		return 0, err
	}
	if c.json != "" {
		if err := c.writeJSON(report); err != nil {
			return 0, err
		}
	}
	tooWeak := c.maxWeak >= 0 && report.Count(conformance.Weak) > c.maxWeak
	if tooWeak {
		fmt.Fprintf(out, "more than %d cases are weak\n", c.maxWeak)
	}
	if report.Failed(c.strict) > 0 || tooWeak {
		status = bad
	}
	return status, report.Write(out, c.strict)
}

// document is what --json writes.
type document struct {
	URL      string        `json:"url"`
	Passed   int           `json:"passed"`
	Failed   int           `json:"failed"`
	Weak     int           `json:"weak"`
	Skipped  int           `json:"skipped"`
	Unplayed int           `json:"not_run"`
	Cases    []documentRow `json:"cases"`
}

type documentRow struct {
	ID      string              `json:"id"`
	Group   string              `json:"group"`
	Title   string              `json:"title"`
	Section string              `json:"section"`
	Verdict conformance.Outcome `json:"verdict"`
	Note    string              `json:"note"`
	Seconds float64             `json:"seconds"`
}

func (c *command) writeJSON(r *conformance.Report) error {
	d := document{URL: c.target.URL, Passed: r.Passed(c.strict), Failed: r.Failed(c.strict),
		Weak: r.Count(conformance.Weak), Skipped: r.Count(conformance.Skip), Unplayed: r.Unplayed}
	for _, one := range r.Results {
		d.Cases = append(d.Cases,
			documentRow{one.ID, one.Group, one.Title, one.Section, one.Outcome, one.Note, one.Took.Seconds()})
	}
	text, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(c.json, append(text, '\n'), 0o600)
}
