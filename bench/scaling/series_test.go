package main

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPrint_SaysWhatIsWorse(t *testing.T) {
	for _, c := range []struct {
		costs []float64
		want  string
	}{
		{[]float64{5, 5, 5}, "linear or better"},
		{[]float64{5, 50, 500}, "WORSE THAN LINEAR"},
	} {
		s := series("what", "ns/one", 0)
		for i, cost := range c.costs {
			s.Points = append(s.Points, Point{decades[i], cost})
		}
		var out strings.Builder
		s.print(&out)
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("%v: got %s", c.costs, out.String())
		}
	}
}

func TestGoesOn_StopsBeforeItTakesTooLong(t *testing.T) {
	s := series("what", "ns/one", 0)
	s.add(10, 10*time.Millisecond, 1)
	s.add(100, time.Second, 1)
	if s.goesOn(1000, time.Second) || s.Stopped != "1000 would take 1m40s" {
		t.Errorf("a square that took a second goes on: %q", s.Stopped)
	}
	s = series("what", "ns/one", 0)
	s.add(10, 10*time.Millisecond, 1)
	s.add(100, 100*time.Millisecond, 1)
	if !s.goesOn(1000, 100*time.Millisecond) || s.Stopped != "" {
		t.Errorf("a line that took a tenth of a second stops: %q", s.Stopped)
	}
}

func TestAdd_IsTheCostOfOneUnit(t *testing.T) {
	s := series("what", "ns/one", 0)
	s.add(10, time.Microsecond, 5)
	if s.Points[0].Cost != 20 {
		t.Errorf("got %v", s.Points)
	}
}

func TestNote_OfOneSizeTheBestCounts(t *testing.T) {
	s := series("what", "ns/one", 0)
	for _, cost := range []float64{3, 1, 2} {
		s.note(10, cost)
	}
	s.note(100, 7)
	if len(s.Points) != 2 || s.Points[0].Cost != 1 || s.Points[1].Cost != 7 {
		t.Errorf("got %v", s.Points)
	}
}

func TestRepeat_MeasuresWhatIsSmallFiveTimesAndWhatTakesLongOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			each time.Duration
			want int
		}{{time.Millisecond, 5}, {400 * time.Millisecond, 3}, {2 * time.Second, 2}, {5 * time.Second, 1}} {
			times := 0
			took, err := repeat(func() error { times++; time.Sleep(c.each); return nil })
			if times != c.want || took != c.each || err != nil {
				t.Errorf("%s: %d times, took %s (%v)", c.each, times, took, err)
			}
		}
	})
}

func TestOften_ThreeTimesUntilItIsEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			atMost, want int
		}{{2, 2}, {1000, 4}} {
			calls := 0
			_, times, err := often(c.atMost, func() error { time.Sleep(10 * time.Millisecond); calls++; return nil })
			if times != c.want || calls != 3*c.want || err != nil {
				t.Errorf("at most %d: %d times, %d calls (%v)", c.atMost, times, calls, err)
			}
		}
	})
}

func TestOften_EndsAtAFault(t *testing.T) {
	if _, _, err := often(3, func() error { return errors.New("no") }); err == nil {
		t.Error("no fault")
	}
}
