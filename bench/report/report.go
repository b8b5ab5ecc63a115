package report

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/bench/machine"
	"github.com/parley-realtime/parley/bench/run"
)

// Subject is the target that the others are compared with.
const Subject = "parley"

// Report is a whole benchmark.
type Report struct {
	Date    time.Time       `json:"date"`
	Took    string          `json:"took"`
	Commit  string          `json:"commit"` // + behind it says that files were changed since
	Machine machine.Machine `json:"machine"`
	Rounds  int             `json:"rounds"`
	Quick   bool            `json:"quick,omitempty"` // windows so short that figures only show that everything works
	Targets []Target        `json:"peers"`
	Cases   []Case          `json:"cases"`
	Runs    []Run           `json:"runs"`
	Medians []Median        `json:"medians"`
	Ratios  []Ratio         `json:"ratios"`
	Goals   []Verdict       `json:"goals"`
}

// Target is a server that takes part, or why it does not.
type Target struct {
	Name  string `json:"name"`
	About string `json:"about"`
	Out   string `json:"out,omitempty"`
}

// Case is one of the suite.
type Case struct {
	Name  string       `json:"name"`
	Title string       `json:"title"`
	Shows []run.Figure `json:"shows"`
	// Rounds is how many it has, if those are fewer than the benchmark has.
	Rounds int `json:"rounds,omitempty"`
	// Out says of targets why they take no part.
	Out map[string]string `json:"out,omitempty"`
}

// Of is how many of all rounds measure the case.
func (c *Case) Of(all int) int {
	if c.Rounds > 0 {
		return min(c.Rounds, all)
	}
	return all
}

// Run is one run of a target in a case.
type Run struct {
	Case  string `json:"case"`
	Peer  string `json:"peer"`
	Round int    `json:"round"`
	// Busy is the share of the machine that others used when the run began nevertheless.
	Busy float64 `json:"busy,omitempty"`
	run.Result
}

// Median is the median of the runs of one target in one case that did not fail.
type Median struct {
	Case    string                 `json:"case"`
	Peer    string                 `json:"peer"`
	Figures map[run.Figure]float64 `json:"figures"`
	Runs    int                    `json:"runs"`
	Failed  int                    `json:"failed"`
}

// Ratio is the subject's figure divided by that of another target.
type Ratio struct {
	Case    string     `json:"case"`
	Against string     `json:"against"`
	Figure  run.Figure `json:"figure"`
	Median  float64    `json:"median"`
	Pairs   []float64  `json:"pairs"` // by round
}

// Conclude computes medians, ratios and verdicts from the runs.
func (r *Report) Conclude(goals []Goal) {
	r.Medians, r.Ratios, r.Goals = nil, nil, nil
	for _, c := range r.Cases {
		for _, p := range r.Targets {
			if m := r.medianOf(c.Name, p.Name); m.Runs > 0 {
				r.Medians = append(r.Medians, m)
			}
			if p.Name != Subject {
				r.Ratios = append(r.Ratios, r.compare(c, p.Name)...)
			}
		}
	}
	for _, g := range goals {
		r.Goals = append(r.Goals, g.judge(r))
	}
}

// medianOf is the median of one target in one case.
func (r *Report) medianOf(name, target string) Median {
	m := Median{Case: name, Peer: target, Figures: map[run.Figure]float64{}}
	all := map[run.Figure][]float64{}
	for _, run := range r.Runs {
		if run.Case != name || run.Peer != target {
			continue
		}
		m.Runs++
		if run.Failed != "" {
			m.Failed++
		}
		for figure, value := range run.Figures {
			all[figure] = append(all[figure], value)
		}
	}
	for figure, values := range all {
		m.Figures[figure] = median(values)
	}
	return m
}

// compare computes the ratios of one case against one target.
func (r *Report) compare(c Case, against string) []Ratio {
	var ratios []Ratio
	for _, figure := range c.Shows {
		ratio := Ratio{Case: c.Name, Against: against, Figure: figure, Pairs: r.pairs(c.Name, against, figure, 0)}
		if len(ratio.Pairs) > 0 {
			ratio.Median = median(ratio.Pairs)
			ratios = append(ratios, ratio)
		}
	}
	return ratios
}

// pairs are the ratios within each round, of what the subject has above plus.
func (r *Report) pairs(name, against string, figure run.Figure, plus float64) (pairs []float64) {
	for round := 1; round <= r.Rounds; round++ {
		ours, ok := r.figure(name, Subject, round, figure)
		theirs, ok2 := r.figure(name, against, round, figure)
		if ok && ok2 && theirs > 0 {
			pairs = append(pairs, (ours-plus)/theirs)
		}
	}
	return pairs
}

func (r *Report) figure(name, target string, round int, figure run.Figure) (float64, bool) {
	for _, run := range r.Runs {
		if run.Case == name && run.Peer == target && run.Round == round {
			value, ok := run.Figures[figure]
			return value, ok
		}
	}
	return 0, false
}

// median is the middle of values, of an even number the mean of the middle two; there is at least one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// find is the median of a target in a case, nil if there is none.
func (r *Report) find(name, target string) *Median {
	i := slices.IndexFunc(r.Medians, func(m Median) bool { return m.Case == name && m.Peer == target })
	if i < 0 {
		return nil
	}
	return &r.Medians[i]
}

// ratio is the ratio against a target in a case, nil if there is none.
func (r *Report) ratio(name, against string, figure run.Figure) *Ratio {
	i := slices.IndexFunc(r.Ratios, func(x Ratio) bool {
		return x.Case == name && x.Against == against && x.Figure == figure
	})
	if i < 0 {
		return nil
	}
	return &r.Ratios[i]
}
