// Command mutate breaks the source in one place at a time, and says which breaks the tests do not notice.
//
// A row of the table (table.go) is one line of the source as it is, the same line broken, and the tests that must fail
// then. The tree is not touched: the compiler is given the broken file in place of the real one (go build -overlay). A
// break that does not compile proves nothing and is an error, and so is a row whose line is not in its file exactly
// once; mutate_test.go looks for that at each run of the tests.
//
// It is run by hand and each night (make mutate). Each row is a build and a run of tests, of some ten seconds. It exits
// with 1 if a break was not noticed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"sync"
	"time"

	"github.com/parley-realtime/parley/bench/checkout"
)

func main() {
	only := flag.String("run", "", "only the rows whose file or tests match this regular expression")
	at := flag.String("house", ".", "the root of the source")
	workers := flag.Int("p", 2, "how many rows at a time")
	limit := flag.Duration("limit", 3*time.Minute,
		"how long the tests of one row may take; the time up is a break that was noticed")
	flag.Parse()
	chosen, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate: -run:", err)
		os.Exit(2)
	}
	if err := checkout.Enter(); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if missed := run(ctx, *at, chosen, *workers, *limit); missed > 0 {
		os.Exit(1)
	}
}

// run tries the chosen rows and returns how many were not noticed, or could not be tried.
func run(ctx context.Context, house string, chosen *regexp.Regexp, workers int, limit time.Duration) (missed int) {
	rows := make(chan mutation)
	results := make(chan result)
	var trying sync.WaitGroup
	for range workers {
		trying.Go(func() {
			for m := range rows {
				results <- m.try(ctx, house, limit)
			}
		})
	}
	go func() {
		defer close(results)
		defer trying.Wait()
		defer close(rows)
		for _, m := range table {
			if ctx.Err() == nil && (chosen.MatchString(m.file) || chosen.MatchString(m.tests)) {
				rows <- m
			}
		}
	}()
	tried := 0
	for v := range results {
		tried++
		if !v.noticed {
			missed++
		}
		fmt.Println(v)
	}
	fmt.Printf("%d passed, %d failed\n", tried-missed, missed)
	if tried == 0 {
		return 1
	}
	return missed
}
