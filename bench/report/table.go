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

// Table writes the report for a person.
func (r *Report) Table(w io.Writer) error {
	out := &strings.Builder{}
	fmt.Fprintf(out, "%s, commit %s, %d rounds in %s\n%s\n\n", r.Date.Format("2006-01-02 15:04 MST"), r.Commit,
		r.Rounds, r.Took, r.Machine)
	if r.Quick {
		out.WriteString("QUICK: the windows are so short that the figures only show that everything works.\n\n")
	}
	for _, p := range r.Targets {
		about := p.About
		if p.Out != "" {
			about = "TOOK NO PART: " + p.Out
		}
		fmt.Fprintf(out, "%-11s %s\n", p.Name, about)
	}
	out.WriteString("\nMedians; behind each, in brackets, what of it Parley has (the median of the ratios within a " +
		"round).\n")
	for _, c := range r.Cases {
		r.block(out, c)
	}
	r.goals(out)
	r.failures(out)
	_, err := io.WriteString(w, out.String())
	return err
}

// block writes one case.
func (r *Report) block(out io.Writer, c Case) {
	fmt.Fprintf(out, "\n%s: %s\n", c.Name, c.Title)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "\t")
	for _, figure := range c.Shows {
		fmt.Fprintf(table, "%s\t\t", figure)
	}
	fmt.Fprintln(table)
	for _, p := range r.Targets {
		if m := r.find(c.Name, p.Name); m != nil {
			r.row(table, c, m)
		}
	}
	table.Flush()
	reasons := slices.Collect(maps.Keys(c.Out))
	slices.Sort(reasons)
	for _, name := range reasons {
		fmt.Fprintf(out, "  (without %s: %s)\n", name, c.Out[name])
	}
}

func (r *Report) row(table io.Writer, c Case, m *Median) {
	fmt.Fprintf(table, "%s\t", m.Peer)
	for _, figure := range c.Shows {
		value, ok := m.Figures[figure]
		if !ok {
			fmt.Fprint(table, "-\t\t")
			continue
		}
		share := ""
		if ratio := r.ratio(c.Name, m.Peer, figure); ratio != nil {
			share = fmt.Sprintf("(%.2f)", ratio.Median)
		}
		fmt.Fprintf(table, "%s\t%s\t", format(value), share)
	}
	if m.Failed > 0 {
		fmt.Fprintf(table, "%d of %d failed\t", m.Failed, m.Runs)
	}
	fmt.Fprintln(table)
}

// goals writes the verdicts.
func (r *Report) goals(out io.Writer) {
	if len(r.Goals) == 0 {
		return
	}
	fmt.Fprint(out, "\nGoals\n")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "case\tfigure\tagainst\tgoal\tmeasured\tfrom-to\t")
	for _, v := range r.Goals {
		measured, spread := "-", ""
		if v.Measured != nil {
			measured, spread = format(*v.Measured), format(v.Low)+"-"+format(v.High)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.Case, v.Figure, cmp.Or(v.Against, "-"), v.Goal, measured,
			spread, v.Says)
	}
	table.Flush()
}

// failures names the runs that failed, and counts those that had to begin on a busy machine.
func (r *Report) failures(out io.Writer) {
	busy, failed := 0, 0
	for _, run := range r.Runs {
		if run.Busy > 0 {
			busy++
		}
		if run.Failed == "" {
			continue
		}
		if failed++; failed == 1 {
			fmt.Fprint(out, "\nFailed runs, which are in no figure\n")
		}
		fmt.Fprintf(out, "  %s %s, round %d: %.300s\n", run.Case, run.Peer, run.Round,
			strings.Join(strings.Fields(run.Failed), " "))
	}
	if busy > 0 {
		fmt.Fprintf(out, "\n%d of %d runs began though others used the machine.\n", busy, len(r.Runs))
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
