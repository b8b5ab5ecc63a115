package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/parley-realtime/parley/bench/machine"
	"github.com/parley-realtime/parley/bench/process"
	"github.com/parley-realtime/parley/bench/report"
	"github.com/parley-realtime/parley/bench/run"
	"github.com/parley-realtime/parley/bench/target"
)

// logs is the folder for the output of preparations.
const logs = "bin/bench"

// prepare runs the preparations of the targets, and leaves out those that cannot be prepared.
func (m *suite) prepare(ctx context.Context, r *report.Report) {
	done := map[string]error{} // peers may share a folder and what is done in it
	for _, p := range m.targets {
		if why := ready(ctx, p, done); why != "" {
			m.excluded[p.Name] = why
			fmt.Fprintf(os.Stderr, "without %s: %s\n", p.Name, why)
		}
		r.Targets = append(r.Targets, report.Target{Name: p.Name, About: p.About, Out: m.excluded[p.Name]})
	}
}

// ready prepares one target. It returns why that was not possible, or "".
func ready(ctx context.Context, p *target.Target, done map[string]error) string {
	if p.Needs != "" && os.Getenv(p.Needs) == "" {
		return p.Needs + " is not set"
	}
	for _, line := range p.Prepare {
		key := p.Dir + ": " + strings.Join(line, " ")
		if _, known := done[key]; !known {
			done[key] = command(ctx, p, line)
		}
		if done[key] != nil {
			return done[key].Error()
		}
	}
	return ""
}

// command runs one command of a target's preparation.
func command(ctx context.Context, p *target.Target, line []string) error {
	log := filepath.Join(logs, p.Name+".log")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return err
	}
	file, err := os.Create(log) // what matters is what the last command said
	if err != nil {
		return err
	}
	defer file.Close()
	fmt.Fprintf(file, "# %s\n", strings.Join(line, " "))
	prepared := process.Command(ctx, ".", p, line)
	prepared.Stdout, prepared.Stderr = file, file
	if err := prepared.Run(); err != nil {
		return fmt.Errorf("%s: %w (%s)", strings.Join(line, " "), err, log)
	}
	return nil
}

// measure measures one case: round by round, the targets taking turns.
func (m *suite) measure(ctx context.Context, c *run.Case, r *report.Report) {
	told := report.Case{Name: c.Name, Title: c.Title, Shows: c.Shows, Out: maps.Clone(m.excluded),
		Rounds: c.Rounds}
	for round := 1; round <= told.Of(m.rounds); round++ {
		for _, p := range m.targets {
			if m.excluded[p.Name] != "" || ctx.Err() != nil || !p.TakesPart(c.Name) {
				continue
			}
			if why := c.Excluded(p); why != "" {
				told.Out[p.Name] = why
				continue
			}
			fmt.Fprintf(os.Stderr, "%s, round %d of %d, %s: ", c.Name, round, m.rounds, p.Name)
			result := report.Run{Case: c.Name, Peer: p.Name, Round: round, Busy: machine.Settle(ctx)}
			began := time.Now()
			result.Result = run.Measure(ctx, ".", p, c)
			if ctx.Err() != nil {
				continue // it was interrupted, and did not fail
			}
			r.Runs = append(r.Runs, result)
			fmt.Fprintf(os.Stderr, "%s (%.1f s)\n", summary(c, result.Result), time.Since(began).Seconds())
		}
	}
	r.Cases = append(r.Cases, told)
}

// summary is a run in one line.
func summary(c *run.Case, result run.Result) string {
	if result.Failed != "" {
		return "FAILED: " + result.Failed
	}
	var parts []string
	for _, figure := range c.Shows {
		parts = append(parts, fmt.Sprintf("%.2f %s", result.Figures[figure], figure))
	}
	return strings.Join(parts, ", ")
}
