package main

import (
	"cmp"
	"math"
	"slices"
)

// worst is the largest exponent of a whole that passes for linear: measurements are not exact.
const worst = 1.1

// Point is what one unit cost when there were so many.
type Point struct {
	Size int
	Cost float64 // nanoseconds or bytes per unit
}

// curve is points in the order of their sizes.
type curve []Point

// exponent fits the whole cost, Size x Cost, to Size^exponent by least squares in a log-log plane. NaN for less than
// two sizes.
func (c curve) exponent() float64 {
	var n, sx, sy, sxx, sxy float64
	for _, p := range c {
		x, y := math.Log(float64(p.Size)), math.Log(p.Cost)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	spread := n*sxx - sx*sx
	if spread <= 0 {
		return math.NaN()
	}
	return 1 + (n*sxy-sx*sy)/spread
}

// upper are the last n points, or all.
func (c curve) upper(n int) curve { return c[max(0, len(c)-n):] }

// last is the exponent between the two largest sizes.
func (c curve) last() float64 { return c.upper(2).exponent() }

// less takes off what the memory alone makes dearer: each cost is divided by the factor by which so many cold cache
// lines would raise the smallest cost of all. So a knee of the caches goes, whether or not the processor waits for each
// line, and a square stays, since no memory becomes ten times slower with each decade.
func (c curve) less(lines float64, price func(size int) float64) curve {
	if len(c) == 0 {
		return nil
	}
	least := slices.MinFunc(c, func(a, b Point) int { return cmp.Compare(a.Cost, b.Cost) }).Cost
	net := make(curve, len(c))
	for i, p := range c {
		net[i] = Point{p.Size, p.Cost * least / (least + lines*price(p.Size))}
	}
	return net
}

// growth is the exponent that a verdict goes by: that of the last two sizes, where what is fixed does not count, or of
// the last three if that is less, so that one bad measurement does not decide.
func (c curve) growth() float64 { return min(c.last(), c.upper(3).exponent()) }

// worse reports whether a curve grows faster than its size.
func (c curve) worse() bool { return c.growth() > worst }
