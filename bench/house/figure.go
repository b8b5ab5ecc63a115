package main

import "fmt"

// figure is one line of the table: one number or several, each with a goal that it may not pass.
type figure struct {
	key, name string
	goal      []int
	measure   func(*source) (measured, error)
}

// measured is what a figure is now.
type measured struct {
	now   []int
	note  string   // which type, package or file it is, where that matters
	found []string // what was counted, the worst first
}

// result is a figure and what it is now.
type result struct {
	figure
	measured
}

// missed reports whether the figure has not reached its goal.
func (r result) missed() bool { return worse(r.now, r.goal) }

// worse reports whether one of the numbers is above its bound.
func worse(now, bound []int) bool {
	for i, n := range now {
		if n > bound[i] {
			return true
		}
	}
	return false
}

// figures are the lines of the table. They are of both modules, and tests count where it says so.
var figures = []figure{
	{"engine", "package actors: files / lines", []int{35, 5500}, engineSize},
	{"cycles", "largest cycle of files: in actors / in a package below it", []int{20, 8}, largestCycles},
	{"spread", "files over which the methods of one type are spread", []int{3}, widestType},
	{"methods", "methods of one type", []int{25}, largestType},
	{"protoactor", "packages that import protoactor", []int{1}, importersOfProtoactor},
	{"doors", "packages without a comment that says what they are", []int{0}, packagesWithoutComment},
	{"functions", "lines of a function: p50 / p90 / max", []int{9, 22, 51}, functionSizes},
	{"files", "lines of a file: p90 / max", []int{201, 311}, fileSizes},
	{"columns", "lines over 120 columns, tests included", []int{0}, longLines},
	{"words", "home-made words / names that bear one", []int{0, 0}, homeMadeWords},
	{"sentences", "sentences of comments that begin with Who, What or Whom", []int{0}, relativeSentences},
}

func keys() (all []string) {
	for _, f := range figures {
		all = append(all, f.key)
	}
	return all
}

// measure takes all figures of the source below a folder.
func measure(root string) (all []result, err error) {
	src, err := read(root)
	if err != nil {
		return nil, err
	}
	for _, f := range figures {
		now, err := f.measure(src)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.key, err)
		}
		all = append(all, result{f, now})
	}
	return all, nil
}
