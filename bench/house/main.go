// Command house measures how the source of this repository is built: sizes, cycles, methods, words, lines, comments.
//
// It prints a figure a line: what it is now, and the goal. It exits with 1 if a goal is missed. Sources are measured
// without their tests, unless a figure says otherwise.
//
//	go -C bench run ./house              # the table (make house)
//	go -C bench run ./house -show words  # what keeps one figure from its goal, or the largest of what it counts
//
// Its test runs it over the repository and fails if a figure is worse than it has been (recorded, in house_test.go).
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/parley-realtime/parley/bench/checkout"
)

func main() {
	show := flag.String("show", "", "print what one figure counts: "+strings.Join(keys(), ", "))
	flag.Parse()
	err := checkout.Enter()
	missed := false
	if err == nil {
		missed, err = report(os.Stdout, ".", *show)
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(2)
	case missed:
		os.Exit(1)
	}
}

// report writes the table, or the figure to show with what it counts, and reports whether one of them missed its goal.
func report(w io.Writer, root, show string) (missed bool, err error) {
	if show != "" && !slices.Contains(keys(), show) {
		return false, fmt.Errorf("-show %s: the figures are %s", show, strings.Join(keys(), ", "))
	}
	all, err := measure(root)
	if err != nil {
		return false, err
	}
	if show != "" {
		all = slices.DeleteFunc(all, func(r result) bool { return r.key != show })
	}
	tabulate(w, all)
	if show != "" {
		for _, line := range all[0].found {
			fmt.Fprintln(w, line)
		}
	}
	return slices.ContainsFunc(all, result.missed), nil
}

// tabulate writes a figure a line.
func tabulate(w io.Writer, all []result) {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "key\tfigure\tnow\tgoal\t")
	for _, r := range all {
		verdict := ""
		if r.missed() {
			verdict = "MISSED"
		}
		if r.note != "" {
			verdict = strings.TrimSpace(verdict + " " + r.note)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t<= %s\t%s\n", r.key, r.name, numbers(r.now), numbers(r.goal), verdict)
	}
	_ = table.Flush()
}

// numbers is several of them as the table shows them: 9 / 22 / 51.
func numbers(all []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(all), "[]"), " ", " / ")
}
