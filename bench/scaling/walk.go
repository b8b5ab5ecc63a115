package main

import (
	"math/rand/v2"
	"time"
)

// cell is one cache line. Which one comes next is found in it, as what an actor needs is found through what it has.
type cell struct {
	next uint64
	_    [56]byte
}

const (
	// unitCells is how many cells lie between those of two units: 2 KiB, which is what a connection takes up.
	unitCells = 32

	// mostSteps bounds a walk. With more units than it can visit it visits some, all over the memory of all.
	mostSteps = 1 << 20
)

var prices = map[[2]int]float64{}

// price is what it costs to touch one cache line where each of so many units touches so many, in nanoseconds: next to
// nothing while all fit into the caches, and what the memory and its page tables take beyond. It is measured once.
func price(units, lines int) float64 {
	key := [2]int{units, lines}
	if known, ok := prices[key]; ok {
		return known
	}
	cells, first, steps := chain(units, min(lines, unitCells))
	at, best := first, time.Hour
	for range 4 { // the first warms up
		rounds, began := max(1, 100_000/steps), time.Now()
		for range rounds * steps {
			at = cells[at].next
		}
		best = min(best, time.Since(began)/time.Duration(rounds))
	}
	if at != first {
		panic("a walk of whole rounds ends where it began")
	}
	prices[key] = per(best, steps)
	return prices[key]
}

// chain makes the cells of all units and links those that are visited, in random order.
func chain(units, lines int) (cells []cell, first uint64, steps int) {
	cells = make([]cell, units*unitCells)
	steps = min(units*lines, mostSteps)
	visited := make([]uint64, steps)
	for i := range visited {
		which := i * (units * lines) / steps
		visited[i] = uint64(which/lines*unitCells + which%lines)
	}
	rand.Shuffle(steps, func(i, j int) { visited[i], visited[j] = visited[j], visited[i] })
	for i, at := range visited {
		cells[at].next = visited[(i+1)%steps]
	}
	return cells, visited[0], steps
}
