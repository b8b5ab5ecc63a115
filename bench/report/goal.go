package report

import (
	"fmt"
	"slices"

	"github.com/parley-realtime/parley/bench/run"
)

// Goal is what the subject should reach in a case: a ratio against another target or, without Against, a figure. The
// ratio is that of what the subject has above Plus.
type Goal struct {
	Case    string
	Figure  run.Figure
	Against string
	Least   bool // Bound is the least; otherwise the most
	Bound   float64
	Plus    float64
}

// Verdict says whether a goal is met.
type Verdict struct {
	Case    string     `json:"case"`
	Figure  run.Figure `json:"figure"`
	Against string     `json:"against,omitempty"`
	Goal    string     `json:"goal"`
	// Measured is nil if there is nothing to judge by; Low and High are the extremes of the pairs or runs.
	Measured *float64 `json:"measured"`
	Low      float64  `json:"low,omitempty"`
	High     float64  `json:"high,omitempty"`
	Met      bool     `json:"met"`
	Says     string   `json:"says"`
}

// judge compares the goal with a report.
func (g Goal) judge(r *Report) Verdict {
	v := Verdict{Case: g.Case, Figure: g.Figure, Against: g.Against, Goal: fmt.Sprintf("<= %s", format(g.Bound))}
	if g.Least {
		v.Goal = fmt.Sprintf(">= %s", format(g.Bound))
	}
	if g.Plus != 0 {
		v.Goal += fmt.Sprintf(" above %s", format(g.Plus))
	}
	values, short := g.evidence(r)
	if len(values) == 0 {
		v.Says = "not measured: " + short
		return v
	}
	value := median(values)
	v.Measured, v.Low, v.High = &value, slices.Min(values), slices.Max(values)
	v.Met = value <= g.Bound
	if g.Least {
		v.Met = value >= g.Bound
	}
	v.Says = "worse than the goal"
	if v.Met {
		v.Says = "better than the goal"
	}
	if short != "" {
		v.Says += ", " + short
	}
	return v
}

// evidence are the values of all rounds, and which rounds have none.
func (g Goal) evidence(r *Report) (values []float64, short string) {
	rounds := r.Rounds
	if i := slices.IndexFunc(r.Cases, func(c Case) bool { return c.Name == g.Case }); i >= 0 {
		rounds = r.Cases[i].Of(rounds)
	}
	if g.Against == "" {
		for round := 1; round <= rounds; round++ {
			if value, ok := r.figure(g.Case, Subject, round, g.Figure); ok {
				values = append(values, value)
			}
		}
	} else {
		values = r.pairs(g.Case, g.Against, g.Figure, g.Plus)
	}
	switch {
	case len(values) == 0:
		return nil, g.missing(r)
	case len(values) < rounds:
		return values, fmt.Sprintf("by %d of %d rounds", len(values), rounds)
	}
	return values, ""
}

// missing says why there is no value to judge the goal by.
func (g Goal) missing(r *Report) string {
	for _, name := range []string{Subject, g.Against} {
		if name == "" {
			continue
		}
		for _, p := range r.Targets {
			if p.Name == name && p.Out != "" {
				return name + " took no part, " + p.Out
			}
		}
		switch m := r.find(g.Case, name); {
		case m == nil:
			return "no runs of " + name
		case m.Failed == m.Runs:
			return fmt.Sprintf("all runs of %s failed", name)
		}
	}
	return "no round in which both have figures"
}
