package config

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// Origin is where the value came from: "parley.yaml:12", "PARLEY_LISTEN", "--listen", or the file alone for
	// something that is missing.
	Origin string
	// Key is the setting, such as "tenants[0].keys[1].alg"; "" if the problem is with the file as a whole.
	Key  string
	Text string

	line int
}

// problemAt is a problem with what stands in a line of a file; line 0 is the file as a whole.
func problemAt(file string, line int, key, text string) Problem {
	origin := file
	if line > 0 {
		origin = fmt.Sprintf("%s:%d", file, line)
	}
	return Problem{Origin: origin, Key: key, Text: text, line: line}
}

// String is the problem as one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Origin != "" {
		b.WriteString(p.Origin + ": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// Problems are everything that is wrong: first what has a line, in the order of the file, then the rest.
type Problems []Problem

// Error implements error: the first problem, and how many there are.
func (p Problems) Error() string {
	switch len(p) {
	case 0:
		return "no problem"
	case 1:
		return p[0].String()
	}
	return fmt.Sprintf("%s (and %d more; see parley check)", p[0], len(p)-1)
}

func (p Problems) sorted() Problems {
	place := func(a Problem) int {
		if a.line == 0 {
			return math.MaxInt
		}
		return a.line
	}
	slices.SortStableFunc(p, func(a, b Problem) int { return cmp.Compare(place(a), place(b)) })
	return p
}
