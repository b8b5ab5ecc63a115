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
	o := play(t, []int{1, 2}, func(d *Run) { d.Figure(1, "%d ms", 3) })
	if !o.Failed() || o.Findings[1].Result() != "passes" || !strings.HasPrefix(o.Findings[2].Result(), "fails: the scenario") {
		t.Errorf("got %q and %q", o.Findings[1].Result(), o.Findings[2].Result())
	}
}

func TestRun_WhatCannotGoOnFailsAllItsChecksAndIsCleanedUp(t *testing.T) {
	var dir string
	var order []int
	o := play(t, []int{1, 2}, func(d *Run) {
		dir = d.Dir
		d.Cleanup(func() { order = append(order, 1) })
		d.Cleanup(func() { order = append(order, 2) })
		d.Figure(1, "something")
		d.Must(nil)
		d.Must(errors.New("broken"))
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
	o := play(t, []int{1, 2}, func(d *Run) {
		d.Want(2, false, "too slow")
		d.Skip("no %s", "root")
		t.Error("it goes on")
	})
	if o.Findings[1].Result() != "skipped: no root" || o.Findings[2].Result() != "fails: too slow" {
		t.Errorf("got %q and %q", o.Findings[1].Result(), o.Findings[2].Result())
	}
}

func TestWant_WhatFailsAgainIsToldOnce(t *testing.T) {
	o := play(t, []int{1}, func(d *Run) {
		for n := range 3 {
			d.Want(1, false, "round %d", n)
		}
		d.Want(1, true, "fine")
		d.Want(1, false, "other")
	})
	if got := o.Findings[1].Result(); got != "fails: round 0 (and 1 more)" {
		t.Errorf("got %q", got)
	}
}

func TestRun_TheSeedMakesTheChoices(t *testing.T) {
	choices := func() (n uint64) {
		play(t, nil, func(d *Run) { n = d.Random.Uint64() })
		return n
	}
	if a, b := choices(), choices(); a != b {
		t.Errorf("one seed chose %d and %d", a, b)
	}
}

func TestSize_AndSpanObeyTheOptions(t *testing.T) {
	d := &Run{}
	if d.Size(9, 1) != 9 || d.Span(time.Hour, time.Second) != time.Hour || d.Bound(time.Second) != time.Second {
		t.Error("a full run is not full")
	}
	if d.Brief = true; d.Size(9, 1) != 9 || d.Span(time.Hour, time.Second) != 15*time.Second || d.Span(20*time.Second, time.Second) != 5*time.Second || d.Span(2*time.Second, time.Second) != time.Second {
		t.Error("a brief run is not brief")
	}
	d.Short = true
	if d.Size(9, 1) != 1 || d.Span(time.Hour, time.Second) != time.Second || d.Bound(time.Second) != 3*time.Second {
		t.Error("a short run is not short")
	}
	if d.For = time.Minute; d.Span(time.Hour, time.Second) != time.Minute {
		t.Error("-for is not obeyed")
	}
}

func TestFigure_FitsIntoACellOfATable(t *testing.T) {
	f := Finding{Figures: []string{"a|b\nc", strings.Repeat("é", 400)}}
	if got := f.Figure(); strings.ContainsAny(got, "|\n") || len(got) > 410 {
		t.Errorf("got %q", got)
	}
}
