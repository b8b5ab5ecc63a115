package conformance

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Result is how one case went.
type Result struct {
	Case
	Outcome Outcome
	// Note says in a few words what was wrong, if anything was.
	Note string
	Took time.Duration
}

// Report is how a battery went.
type Report struct {
	// Results are those of the cases that were played, in the order of their numbers.
	Results []Result
	// Unplayed is how many cases were not played since the server went down and did not come back. They have failed,
	// too.
	Unplayed int
}

func (r *run) report(cases []Case) *Report {
	report := &Report{}
	for _, result := range r.results {
		if result.ID != "" {
			report.Results = append(report.Results, result)
		}
	}
	if r.down {
		report.Unplayed = len(cases) - len(report.Results)
	}
	return report
}

// Count is how many of the cases that were played had an outcome.
func (r *Report) Count(o Outcome) int { return len(r.Of(o)) }

// Of returns the results with an outcome.
func (r *Report) Of(o Outcome) (all []Result) {
	for _, result := range r.Results {
		if result.Outcome == o {
			all = append(all, result)
		}
	}
	return all
}

// Failed is how many cases have failed; if it is strict, the weak ones have, too.
func (r *Report) Failed(strict bool) int {
	failed := r.Count(Fail) + r.Unplayed
	if strict {
		failed += r.Count(Weak)
	}
	return failed
}

// Passed is how many cases have passed; the weak ones have unless it is strict.
func (r *Report) Passed(strict bool) int {
	return len(r.Results) + r.Unplayed - r.Count(Skip) - r.Failed(strict)
}

// Write prints a report for people: the groups' figures, what was weak and what failed; the last line is
// "N passed, N failed (N weak, N skipped)".
func (r *Report) Write(w io.Writer, strict bool) error {
	var b strings.Builder
	r.groups(&b)
	r.list(&b, Weak)
	r.list(&b, Fail)
	if r.Unplayed > 0 {
		fmt.Fprintf(&b, "\nthe server did not come back: %d cases were not played and have failed\n", r.Unplayed)
	}
	fmt.Fprintf(&b, "\n%d passed, %d failed (%d weak, %d skipped)\n",
		r.Passed(strict), r.Failed(strict), r.Count(Weak), r.Count(Skip))
	_, err := io.WriteString(w, b.String())
	return err
}

// groups is a line for each group that was played.
func (r *Report) groups(b *strings.Builder) {
	for i := 0; i < len(r.Results); {
		group, counts := r.Results[i].Group, [len(outcomes)]int{}
		number, _, _ := strings.Cut(r.Results[i].ID, ".")
		for ; i < len(r.Results) && r.Results[i].Group == group; i++ {
			counts[r.Results[i].Outcome]++
		}
		fmt.Fprintf(b, "  %-3s %-38s %4d pass %4d weak %4d fail %4d skip\n",
			number, group, counts[Pass], counts[Weak], counts[Fail], counts[Skip])
	}
}

func (r *Report) list(b *strings.Builder, o Outcome) {
	if r.Count(o) > 0 {
		fmt.Fprintf(b, "\n%s:\n", o)
	}
	for _, result := range r.Of(o) {
		fmt.Fprintf(b, "  %-7s %s (%s): %s\n", result.ID, result.Title, result.Section, result.Note)
	}
}
