package main

import (
	"math"
	"testing"
)

var decades = []int{10, 100, 1000, 10_000, 100_000, 1_000_000}

// of is the curve of a whole cost.
func of(whole func(n float64) float64) (c curve) {
	for _, size := range decades {
		c = append(c, Point{size, whole(float64(size)) / float64(size)})
	}
	return c
}

func TestExponent_IsThatOfThePower(t *testing.T) {
	for _, want := range []float64{0, 0.5, 1, 1.5, 2, 3} {
		c := of(func(n float64) float64 { return 7 * math.Pow(n, want) })
		if got := c.exponent(); math.Abs(got-want) > 1e-9 {
			t.Errorf("n^%v: got %v", want, got)
		}
		if got := c.last(); math.Abs(got-want) > 1e-9 {
			t.Errorf("n^%v: got %v for the last decade", want, got)
		}
		if c.worse() != (want > 1) {
			t.Errorf("n^%v: worse is %v", want, c.worse())
		}
	}
}

func TestExponent_LeastSquaresOfThreePoints(t *testing.T) {
	// The slope of (0,0), (1,0), (2,3) is 1.5.
	c := curve{{1, 1}, {10, 1}, {100, 1000}}
	if got := c.exponent(); math.Abs(got-2.5) > 1e-9 {
		t.Errorf("got %v", got)
	}
}

func TestExponent_OneSizeHasNone(t *testing.T) {
	for _, c := range []curve{nil, {{10, 1}}, {{10, 1}, {10, 2}}} {
		if got := c.exponent(); !math.IsNaN(got) || c.worse() {
			t.Errorf("%v: got %v", c, got)
		}
	}
}

func TestWorse_AFixedPartDoesNotHideASquare(t *testing.T) {
	c := of(func(n float64) float64 { return 1e6 + 100*n + n*n/100 })
	if c.exponent() > 1 || !c.worse() {
		t.Errorf("exponent %v, last decade %v, worse %v", c.exponent(), c.last(), c.worse())
	}
}

func TestWorse_LogarithmIsNot(t *testing.T) {
	if c := of(func(n float64) float64 { return n * math.Log(n) }); c.worse() {
		t.Errorf("last decade %v", c.last())
	}
}

func TestGrowth_OneBadMeasurementDoesNotDecide(t *testing.T) {
	bad := curve{{10, 5}, {100, 5}, {1000, 2}, {10_000, 4}}
	if bad.last() < 1.2 || bad.worse() {
		t.Errorf("last sizes %v, worse %v", bad.last(), bad.worse())
	}
}

// knee is a price that is nothing within the caches and 300 ns beyond.
func knee(size int) float64 { return 300 / (1 + 1e5/float64(size)) }

func TestLess_AKneeOfTheCachesIsTakenOff(t *testing.T) {
	for _, lines := range []float64{1, 4, 20} {
		waits := of(func(n float64) float64 { return n * (100 + lines*knee(int(n))) })
		if !waits.worse() || waits.less(lines, knee).worse() {
			t.Errorf("%v lines: %v, without memory %v", lines, waits.last(), waits.less(lines, knee).last())
		}
		half := of(func(n float64) float64 {
			return n * (100 + lines*knee(int(n))/2)
		}) // the processor waits for two at once
		if half.less(lines, knee).worse() {
			t.Errorf("%v lines, two at once: without memory %v", lines, half.less(lines, knee).last())
		}
	}
}

func TestLess_ASquareStays(t *testing.T) {
	for _, lines := range []float64{1, 4, 20, 80} {
		square := of(func(n float64) float64 { return n * (100 + n/10 + lines*knee(int(n))) })
		if !square.less(lines, knee).worse() {
			t.Errorf("%v lines: %v, without memory %v", lines, square.last(), square.less(lines, knee).last())
		}
	}
}
