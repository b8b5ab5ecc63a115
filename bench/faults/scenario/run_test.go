package scenario

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func play(t *testing.T, checks []int, scenario func(*Run)) Outcome {
	t.Helper()
	return Play(t.Context(), scenario, checks, Options{Seed: 7, Out: io.Discard})
}

func TestRun_ACheckThatNothingIsSaidAboutFails(t *testing.T) {
	o := play(t, []int{1, 2}, func(r *Run) { r.Figure(1, "%d ms", 3) })
	if !o.Failed() || o.Findings[1].Result() != "passes" ||
		!strings.HasPrefix(o.Findings[2].Result(), "fails: the scenario") {
		t.Errorf("got %q and %q", o.Findings[1].Result(), o.Findings[2].Result())
	}
}

func TestRun_WhatCannotGoOnFailsAllItsChecksAndIsCleanedUp(t *testing.T) {
	var dir string
	var order []int
	o := play(t, []int{1, 2}, func(r *Run) {
		dir = r.Dir
		r.Cleanup(func() { order = append(order, 1) })
		r.Cleanup(func() { order = append(order, 2) })
		r.Figure(1, "something")
		r.Must(nil)
		r.Must(errors.New("broken"))
		t.Error("it goes on")
	})
	for check, f := range o.Findings {
		if f.Result() != "fails: broken" {
			t.Errorf("check %d: %q", check, f.Result())
		}
	}
	if len(order) != 2 || order[0] != 2 {
		t.Errorf("cleaned up in the order %v", order)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is left behind: %v", err)
	}
}

func TestSkip_EndsTheScenarioAndFailsNothingThatDidNotFailBefore(t *testing.T) {
	o := play(t, []int{1, 2}, func(r *Run) {
		r.Want(2, false, "too slow")
		r.Skip("no %s", "root")
		t.Error("it goes on")
	})
	if o.Findings[1].Result() != "skipped: no root" || o.Findings[2].Result() != "fails: too slow" {
		t.Errorf("got %q and %q", o.Findings[1].Result(), o.Findings[2].Result())
	}
}

func TestWant_WhatFailsAgainIsToldOnce(t *testing.T) {
	o := play(t, []int{1}, func(r *Run) {
		for n := range 3 {
			r.Want(1, false, "round %d", n)
		}
		r.Want(1, true, "fine")
		r.Want(1, false, "other")
	})
	if got := o.Findings[1].Result(); got != "fails: round 0 (and 1 more)" {
		t.Errorf("got %q", got)
	}
}

func TestRun_TheSeedMakesTheChoices(t *testing.T) {
	choices := func() (n uint64) {
		play(t, nil, func(r *Run) { n = r.Random.Uint64() })
		return n
	}
	if a, b := choices(), choices(); a != b {
		t.Errorf("one seed chose %d and %d", a, b)
	}
}

func TestSize_AndSpanObeyTheOptions(t *testing.T) {
	r := &Run{}
	if r.Size(9, 1) != 9 || r.Span(time.Hour, time.Second) != time.Hour || r.Bound(time.Second) != time.Second {
		t.Error("a full run is not full")
	}
	if r.Brief = true; r.Size(9, 1) != 9 || r.Span(time.Hour, time.Second) != 15*time.Second ||
		r.Span(20*time.Second, time.Second) != 5*time.Second || r.Span(2*time.Second, time.Second) != time.Second {
		t.Error("a brief run is not brief")
	}
	r.Short = true
	if r.Size(9, 1) != 1 || r.Span(time.Hour, time.Second) != time.Second || r.Bound(time.Second) != 3*time.Second {
		t.Error("a short run is not short")
	}
	if r.For = time.Minute; r.Span(time.Hour, time.Second) != time.Minute {
		t.Error("-for is not obeyed")
	}
}

func TestFigure_FitsIntoACellOfATable(t *testing.T) {
	f := Finding{Figures: []string{"a|b\nc", strings.Repeat("é", 400)}}
	if got := f.Figure(); strings.ContainsAny(got, "|\n") || len(got) > 410 {
		t.Errorf("got %q", got)
	}
}
