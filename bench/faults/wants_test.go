package main

import (
	"io"
	"testing"

	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// F51: a scenario fails where what its check says does not hold, however harmless the rest was.
func TestScenarios_WantWhatTheirChecksSay(t *testing.T) {
	const mib = 1 << 20
	for what, c := range map[string]struct {
		check int
		holds bool
		judge func(r *scenario.Run)
	}{
		"44: all are too large": {44, true,
			func(r *scenario.Run) { defused(r, 100, map[int]int{1009: 100}, mib) }},
		"44: without compression": {44, false,
			func(r *scenario.Run) { defused(r, 100, map[int]int{1002: 100}, mib) }},
		"44: one was cut off": {44, false,
			func(r *scenario.Run) { defused(r, 100, map[int]int{1009: 99, 1006: 1}, mib) }},
		"44: memory rose": {44, false,
			func(r *scenario.Run) { defused(r, 100, map[int]int{1009: 100}, 100*mib) }},
		"46: shed near the limit": {46, true,
			func(r *scenario.Run) { withstood(r, 512*mib, server.Figures{Peak: 520 * mib, Shed: 1}) }},
		"46: never near the limit": {46, false,
			func(r *scenario.Run) { withstood(r, 512*mib, server.Figures{Peak: 200 * mib, Shed: 1}) }},
		"46: nothing was shed": {46, false,
			func(r *scenario.Run) { withstood(r, 512*mib, server.Figures{Peak: 500 * mib}) }},
		"46: more than the kernel allows": {46, false,
			func(r *scenario.Run) { withstood(r, 512*mib, server.Figures{Peak: 600 * mib, Shed: 1}) }},
		"50: memory is back": {50, true,
			func(r *scenario.Run) { forgotten(r, heap(5*mib), heap(15*mib), heap(6*mib)) }},
		"50: memory is not back": {50, false,
			func(r *scenario.Run) { forgotten(r, heap(5*mib), heap(15*mib), heap(11*mib)) }},
	} {
		outcome := scenario.Play(t.Context(), func(r *scenario.Run) {
			r.Figure(c.check, "measured")
			c.judge(r)
		}, []int{c.check}, scenario.Options{Out: io.Discard})
		if outcome.Failed() == c.holds {
			t.Errorf("%s: %s", what, outcome.Findings[c.check].Result())
		}
	}
}

func heap(bytes int64) server.Figures { return server.Figures{Heap: bytes} }
