package main

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// Series is how one cost grows.
type Series struct {
	Name string
	// Unit is what one of Size costs, such as "ns/connection".
	Unit string
	// Lines is how many cache lines one unit touches that nobody touched since the last time; see walk.go. Where actors
	// are made it is more: on the way to the largest size, the collector visits all that live about three times.
	Lines  int
	Points curve
	// Bounded says that the cost is held against its size. Others are only told.
	Bounded bool
	// Stopped says why there are no larger sizes, "" if all are there.
	Stopped string
}

// patience is how long one size may take.
const maxStep = 8 * time.Second

func series(name, unit string, lines int) *Series {
	return &Series{Name: name, Unit: unit, Lines: lines, Bounded: true}
}

// add notes what size units cost together, so many times.
func (s *Series) add(size int, took time.Duration, times int) { s.note(size, per(took, size*times)) }

// note notes the cost of one unit. Of several measurements of one size the best counts: others were disturbed.
func (s *Series) note(size int, cost float64) {
	if end := len(s.Points) - 1; end >= 0 && s.Points[end].Size == size {
		s.Points[end].Cost = min(s.Points[end].Cost, cost)
		return
	}
	s.Points = append(s.Points, Point{size, cost})
}

func per(took time.Duration, units int) float64 {
	return max(float64(took.Nanoseconds()), 1) / float64(units)
}

// goesOn reports whether the next size would be done in time, going by how the last one took.
func (s *Series) goesOn(next int, took time.Duration) bool {
	if len(s.Points) == 0 {
		return true
	}
	last := s.Points[len(s.Points)-1]
	grown := float64(next) / float64(last.Size)
	if len(s.Points) > 1 && s.Points.last() > 1.5 {
		grown *= grown
	}
	if expected := time.Duration(float64(took) * grown); expected > maxStep {
		s.Stopped = fmt.Sprintf("%d would take %s", next, expected.Round(time.Second))
		return false
	}
	return true
}

// net is without what the memory takes.
func (s *Series) net() curve {
	if s.Lines == 0 {
		return s.Points
	}
	return s.Points.less(float64(s.Lines), func(size int) float64 { return price(size, s.Lines) })
}

// print prints the series as two lines of a table and a verdict.
func (s *Series) print(out io.Writer) {
	sizes, costs := "", ""
	for _, p := range s.Points {
		size, cost := strconv.Itoa(p.Size), strconv.FormatFloat(p.Cost, 'f', 0, 64)
		if p.Cost < 10 {
			cost = strconv.FormatFloat(p.Cost, 'f', 2, 64)
		}
		sizes += fmt.Sprintf(" %9s", size)
		costs += fmt.Sprintf(" %9s", cost)
	}
	fmt.Fprintf(out, "\n%s\n  %-16s%s\n  %-16s%s\n", s.Name, "", sizes, s.Unit, costs)
	if len(s.Points) > 1 && s.Bounded {
		fmt.Fprintf(out, "  exponent %.2f, of the largest sizes %.2f, memory taken off %.2f: %s\n", s.Points.exponent(),
			s.Points.growth(), s.net().growth(), s.verdict())
	}
	if s.Stopped != "" {
		fmt.Fprintf(out, "  stopped: %s\n", s.Stopped)
	}
}

func (s *Series) verdict() string {
	switch {
	case s.net().worse():
		return "WORSE THAN LINEAR"
	case s.Points.worse():
		return "linear, beside the knee of the caches"
	}
	return "linear or better"
}

// repeat measures one size as often as it takes to believe it: five times what is small, twice what takes longer, once
// what takes very long. A machine that is not all ours disturbs some of them.
func repeat(measure func() error) (took time.Duration, err error) {
	const enough, long = time.Second, 4 * time.Second
	began := time.Now()
	for times := 0; times < 5; times++ {
		if spent := time.Since(began); times > 1 && spent > enough || times == 1 && spent > long {
			break
		}
		single := time.Now()
		if err := measure(); err != nil {
			return 0, err
		}
		took = time.Since(single)
	}
	return took, nil
}

// often repeats what takes little until it has taken enough to be measured, three times over, and returns the best of
// them: the processor time and how often it was. At most is a bound on the times.
func often(atMost int, do func() error) (took time.Duration, times int, err error) {
	for range 3 {
		n := 0
		t, err := timed(func() (err error) { n, err = repeatFor(40*time.Millisecond, atMost, do); return err })
		if err != nil {
			return 0, 0, err
		}
		if times == 0 || per(t, n) < per(took, times) {
			took, times = t, n
		}
	}
	return took, times, nil
}

func repeatFor(enough time.Duration, atMost int, do func() error) (times int, err error) {
	for began := time.Now(); times < atMost && time.Since(began) < enough; times++ {
		if err := do(); err != nil {
			return 0, err
		}
	}
	return times, nil
}
