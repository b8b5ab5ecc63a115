package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const house = "../.."

// recorded are the figures that have not reached their goals, as they are: none may get worse. Lower a bound when its
// figure got better, and delete the line when the goal is reached.
var recorded = map[string][]int{}

// go test remembers what passed, and does not see that files of the other module changed: make runs this test anew.
func TestHouse_NoFigureGetsWorse(t *testing.T) {
	all, err := measure(house)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		bound, missing := recorded[r.key]
		if !missing {
			bound = r.goal
		}
		switch {
		case worse(r.now, bound):
			t.Errorf("%s: now %s, at most %s (%s); see make house ARGS='-show %s'",
				r.name, numbers(r.now), numbers(bound), r.note, r.key)
		case missing && !r.missed():
			t.Errorf("%s: %s is the goal: delete its line of recorded", r.name, numbers(r.now))
		case missing && worse(bound, highest(r.now, r.goal)):
			t.Logf("%s: the bound %s can be lowered to %s", r.name, numbers(bound), numbers(highest(r.now, r.goal)))
		}
	}
	for key := range recorded {
		if !slices.Contains(keys(), key) {
			t.Errorf("recorded has %s, which is no figure", key)
		}
	}
}

// highest takes the higher of two numbers, one by one.
func highest(a, b []int) (all []int) {
	for i := range a {
		all = append(all, max(a[i], b[i]))
	}
	return all
}

// What is excepted is there, so that no exception outlives its reason.
func TestHouse_EachExceptionIsNeeded(t *testing.T) {
	src, err := read(house)
	if err != nil {
		t.Fatal(err)
	}
	for name, reason := range exempt {
		if reason == "" || !slices.ContainsFunc(types(src), func(of *typeOf) bool { return of.name == name }) {
			t.Errorf("%s is exempt (%q), and no type", name, reason)
		}
	}
	names := declared(src)
	for excepted, reason := range excepted {
		if reason == "" || !slices.ContainsFunc(names, func(n name) bool {
			return n.dir+"."+n.text == excepted && slices.ContainsFunc(homeMadeTable, n.bears)
		}) {
			t.Errorf("%s is excepted (%q), and bears no word of the table", excepted, reason)
		}
	}
	for _, w := range homeMadeTable {
		words := split(strings.ReplaceAll(w.word, " ", "_"))
		if w.kinds == 0 || w.use == "" || !slices.Equal(words, strings.Fields(w.word)) {
			t.Errorf("the table has %+v", w)
		}
		for dir := range strings.FieldsSeq(w.in) {
			dir = strings.TrimSuffix(dir, "/...")
			if info, err := os.Stat(filepath.Join(house, dir)); err != nil || !info.IsDir() {
				t.Errorf("%s is forbidden in %s, which is no folder", w.word, dir)
			}
		}
	}
}
