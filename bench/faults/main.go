// Command faults runs the fault scenarios: things that happen to a real server process on loopback while clients write
// down what they hear, and a checker holds their histories against the promises.
//
//	go -C bench run ./faults [-short|-full] [-run kill,slow] [-seed 7] [-for 60m]
//		[-binary bin/parley] [-record] [-list]
//
// Each scenario is a file beside this one; the comment of its function says what happens and names the acceptance
// checks that it shows, each check in one scenario alone. Its random choices come from the seed, which is printed.
//
// A scenario that is named runs at the size and for the time of its check, and so do all with -full or
// PARLEY_CHECKS=full (80 minutes). Else all run at the size of their checks, those that go on for a time for a quarter
// of it and at most 15 s: less than 10 minutes in all. -for says another time. -short is for continuous integration.
// With -record what was measured at full size goes into bench/faults.json, with the date and the commit of the server
// that was measured. The exit status is 1 if any check failed; one for which the machine has not what it takes is
// skipped and says why.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/parley-realtime/parley/bench/checkout"
	"github.com/parley-realtime/parley/bench/faults/scenario"
)

// settings are the flags.
type settings struct {
	scenario.Options
	chosen []entry
	record string // the file; "" for none
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	err := checkout.Enter()
	var set settings
	if err == nil {
		set, err = parse(os.Args[1:])
	}
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	ok := false
	if err == nil {
		ok, err = run(ctx, set)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
	}
	if !ok {
		os.Exit(1)
	}
}

func parse(args []string) (settings, error) {
	set := settings{Options: scenario.Options{Out: os.Stdout}}
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	names := flags.String("run", "", "scenarios to run, separated by commas (default all)")
	record := flags.Bool("record", false, "write what was measured into bench/faults.json")
	list := flags.Bool("list", false, "name the scenarios")
	flags.Uint64Var(&set.Seed, "seed", rand.Uint64()>>32, "where random choices come from")
	flags.BoolVar(&set.Short, "short", false, "a size that fits into continuous integration")
	full := flags.Bool("full", os.Getenv("PARLEY_CHECKS") == "full",
		"the times of the checks also where no scenario is named")
	flags.DurationVar(&set.For, "for", 0,
		"how long soak, held, fan and others go on (default: as long as their checks say)")
	flags.StringVar(&set.Binary, "binary", "bin/parley", "the server")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	if *record {
		set.record = "bench/faults.json"
	}
	if *list {
		for _, s := range scenarios {
			fmt.Println(s.name, s.checks)
		}
		return set, flag.ErrHelp
	}
	set.Brief = *names == "" && !*full && !set.Short
	if *record && (set.Short || set.Brief || set.For != 0) {
		return set, errors.New("what is not at full size cannot be recorded; name scenarios, or say -full, and not " +
			"-short or -for")
	}
	if _, err := os.Stat(set.Binary); err != nil {
		return set, fmt.Errorf("no server: %w; make build makes it", err)
	}
	var err error
	set.chosen, err = choose(*names, set.Short)
	return set, err
}

// choose finds scenarios by their names, or takes all that fit into the run.
func choose(names string, short bool) ([]entry, error) {
	if names == "" {
		return slices.DeleteFunc(slices.Clone(scenarios), func(s entry) bool { return short && s.long }), nil
	}
	var chosen []entry
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(scenarios, func(s entry) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q; -list names them", name)
		}
		chosen = append(chosen, scenarios[i])
	}
	return chosen, nil
}

// briefBound bounds a brief run.
const briefBound = 10 * time.Minute

// run plays scenarios one after the other. ok says that no check failed.
func run(ctx context.Context, set settings) (ok bool, err error) {
	if set.Brief {
		var cancel func()
		ctx, cancel = context.WithTimeoutCause(ctx, briefBound, fmt.Errorf("not all was done within %s", briefBound))
		defer cancel()
	}
	commit := ""
	if set.record != "" {
		if commit, err = commitOf(ctx, set.Binary); err != nil {
			return false, err
		}
	}
	ok = true
	for _, s := range set.chosen {
		fmt.Fprintf(set.Out, "%s (seed %d)\n", s.name, set.Seed)
		outcome := scenario.Play(ctx, s.play, s.checks, set.Options)
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		printOutcome(set.Out, s, outcome)
		if outcome.Failed() {
			ok = false
			fmt.Fprintf(set.Out, "    again: go -C bench run ./faults -run %s -seed %d%s\n", s.name, set.Seed,
				map[bool]string{true: " -short"}[set.Short])
		}
		if set.record != "" {
			if err := record(set.record, outcome, commit); err != nil {
				return false, err
			}
		}
	}
	return ok, nil
}

// tell prints one line for each check.
func printOutcome(out io.Writer, s entry, o scenario.Outcome) {
	for _, check := range slices.Sorted(maps.Keys(o.Findings)) {
		f := o.Findings[check]
		fmt.Fprintf(out, "  %-9s check %-3d %s | %s\n", s.name, check, f.Result(), f.Figure())
	}
	fmt.Fprintf(out, "  %-9s took %.1f s\n", s.name, o.Took.Seconds())
}
