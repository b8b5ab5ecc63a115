package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// table is a report as text.
type table struct {
	report *Report
	out    strings.Builder
}

// head writes the circumstances and the targets.
func (t *table) head() {
	r := t.report
	fmt.Fprintf(&t.out, "%s, commit %s, %d rounds in %s\n%s\n\n", r.Date.Format("2006-01-02 15:04 MST"), r.Commit,
		r.Rounds, r.Took, r.Machine)
	if r.Quick {
		t.out.WriteString("QUICK: the windows are so short that the figures only show that everything works.\n\n")
	}
	for _, p := range r.Targets {
		about := p.About
		if p.Out != "" {
			about = "TOOK NO PART: " + p.Out
		}
		fmt.Fprintf(&t.out, "%-11s %s\n", p.Name, about)
	}
	t.out.WriteString("\nMedians; behind each, in brackets, what of it Parley has (the median of the ratios within a " +
		"round).\n")
}

// block writes one case.
func (t *table) block(c Case) {
	fmt.Fprintf(&t.out, "\n%s: %s\n", c.Name, c.Title)
	cells := tabwriter.NewWriter(&t.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(cells, "\t")
	for _, figure := range c.Shows {
		fmt.Fprintf(cells, "%s\t\t", figure)
	}
	fmt.Fprintln(cells)
	for _, p := range t.report.Targets {
		if m := t.report.find(c.Name, p.Name); m != nil {
			t.row(cells, c, m)
		}
	}
	cells.Flush()
	reasons := slices.Collect(maps.Keys(c.Out))
	slices.Sort(reasons)
	for _, name := range reasons {
		fmt.Fprintf(&t.out, "  (without %s: %s)\n", name, c.Out[name])
	}
}

func (t *table) row(cells io.Writer, c Case, m *Median) {
	fmt.Fprintf(cells, "%s\t", m.Peer)
	for _, figure := range c.Shows {
		value, ok := m.Figures[figure]
		if !ok {
			fmt.Fprint(cells, "-\t\t")
			continue
		}
		share := ""
		if ratio := t.report.ratio(c.Name, m.Peer, figure); ratio != nil {
			share = fmt.Sprintf("(%.2f)", ratio.Median)
		}
		fmt.Fprintf(cells, "%s\t%s\t", format(value), share)
	}
	if m.Failed > 0 {
		fmt.Fprintf(cells, "%d of %d failed\t", m.Failed, m.Runs)
	}
	fmt.Fprintln(cells)
}

// goals writes the verdicts.
func (t *table) goals() {
	if len(t.report.Goals) == 0 {
		return
	}
	fmt.Fprint(&t.out, "\nGoals\n")
	cells := tabwriter.NewWriter(&t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(cells, "case\tfigure\tagainst\tgoal\tmeasured\tfrom-to\t")
	for _, v := range t.report.Goals {
		measured, spread := "-", ""
		if v.Measured != nil {
			measured, spread = format(*v.Measured), format(v.Low)+"-"+format(v.High)
		}
		fmt.Fprintf(cells, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.Case, v.Figure, cmp.Or(v.Against, "-"), v.Goal, measured,
			spread, v.Says)
	}
	cells.Flush()
}

// failures names the runs that failed, and counts those that had to begin on a busy machine.
func (t *table) failures() {
	busy, failed := 0, 0
	for _, run := range t.report.Runs {
		if run.Busy > 0 {
			busy++
		}
		if run.Failed == "" {
			continue
		}
		if failed++; failed == 1 {
			fmt.Fprint(&t.out, "\nFailed runs, which are in no figure\n")
		}
		fmt.Fprintf(&t.out, "  %s %s, round %d: %.300s\n", run.Case, run.Peer, run.Round,
			strings.Join(strings.Fields(run.Failed), " "))
	}
	if busy > 0 {
		fmt.Fprintf(&t.out, "\n%d of %d runs began though others used the machine.\n", busy, len(t.report.Runs))
	}
}

// format writes a figure with three digits that mean something, and thousands apart.
func format(value float64) string {
	switch {
	case math.Abs(value) >= 1000:
		return thousands(strconv.FormatInt(int64(math.Round(value)), 10))
	case math.Abs(value) >= 100:
		return strconv.FormatFloat(value, 'f', 0, 64)
	case math.Abs(value) >= 10:
		return strconv.FormatFloat(value, 'f', 1, 64)
	}
	return strconv.FormatFloat(value, 'f', 2, 64)
}

func thousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
