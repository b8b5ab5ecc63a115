package main

import "testing"

func TestPrice_WhatDoesNotFitIntoTheCachesCostsMore(t *testing.T) {
	if few, many := price(10, 4), price(100_000, 20); few <= 0 || many < few {
		t.Errorf("%.1f ns for a line of 10 units, %.1f of 100,000", few, many)
	}
}

func TestChain_VisitsEachCellOnce(t *testing.T) {
	for _, c := range []struct{ units, lines, want int }{{1, 1, 1}, {10, 3, 30}, {40_000, 32, mostSteps}} {
		cells, first, steps := chain(c.units, c.lines)
		visited, at := 0, first
		for {
			if at%unitCells >= uint64(c.lines) {
				t.Fatalf("%+v: cell %d is none of those that are touched", c, at)
			}
			visited++
			if at = cells[at].next; at == first || visited > steps {
				break
			}
		}
		if visited != c.want || steps != c.want {
			t.Errorf("%+v: visited %d in %d steps", c, visited, steps)
		}
	}
}
