// Command suite measures Parley beside its peers: every case of the suite, round by round, each run with a fresh
// server and fresh clients, the peers taking turns. It prints a table and writes bench/results/<date>.json and .svg.
//
//	go -C bench run ./suite
//	go -C bench run ./suite -cases fan-1000,idle -peers parley,floor -rounds 3
//
// bench/README.md says what is measured, how, and how to read it. Paths are from the root of the repository.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/parley-realtime/parley/bench/checkout"
	"github.com/parley-realtime/parley/bench/machine"
	"github.com/parley-realtime/parley/bench/report"
	"github.com/parley-realtime/parley/bench/run"
	"github.com/parley-realtime/parley/bench/target"
)

// fullRounds is how many rounds the whole benchmark has.
const fullRounds = 5

// options are what the command line says.
type options struct {
	cases, peers string
	rounds       int
	quick        bool
	out, words   string
}

func main() {
	var o options
	flag.StringVar(&o.cases, "cases", "", "which cases, separated by commas (default all)")
	flag.StringVar(&o.peers, "peers", "", "which peers, separated by commas (default all)")
	flag.IntVar(&o.rounds, "rounds", fullRounds, "how often each case is measured with each peer")
	flag.BoolVar(&o.quick, "quick", false, "short windows and one round: does everything work?")
	flag.StringVar(&o.out, "out", "bench/results", "the folder for the results; empty for none")
	flag.StringVar(&o.words, "words", "bench/peers", "the folder with the words of the peers")
	flag.Parse()
	debug.SetGCPercent(400) // the generator's garbage is not what is measured
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := checkout.Enter()
	if err == nil {
		err = benchmark(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
		stop()
		os.Exit(1)
	}
}

func benchmark(ctx context.Context, o options) error {
	m, err := plan(o)
	if err != nil {
		return err
	}
	r := &report.Report{Date: time.Now(), Commit: machine.Commit(ctx, "."), Rounds: m.rounds, Quick: o.quick}
	if r.Machine, err = machine.Describe(); err != nil {
		return err
	}
	if err := m.checkLimit(r.Machine.Files); err != nil {
		return err
	}
	m.prepare(ctx, r)
	for i := range m.cases {
		m.measure(ctx, &m.cases[i], r)
	}
	r.Took = time.Since(r.Date).Round(time.Second).String()
	r.Conclude(m.goals())
	if err := r.Table(os.Stdout); err != nil || o.out == "" {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted; what is above was not written")
	}
	name := r.Date.Format("2006-01-02")
	if o.part() {
		name = r.Date.Format("2006-01-02-part-150405") // does not replace the whole
	}
	if err := r.Write(o.out, name); err != nil {
		return err
	}
	fmt.Printf("\nWritten to %s/%s.json and .svg\n", o.out, name)
	return nil
}

// part reports whether this is not the whole benchmark.
func (o *options) part() bool {
	return o.cases != "" || o.peers != "" || o.quick || o.rounds < fullRounds
}

// suite is what the command measures.
type suite struct {
	cases    []run.Case
	targets  []*target.Target
	rounds   int
	excluded map[string]string // why a target takes no part at all
}

// plan makes the suite that the command line asks for.
func plan(o options) (*suite, error) {
	all, err := target.Folder(o.words)
	if err != nil {
		return nil, err
	}
	m := &suite{rounds: max(1, o.rounds), excluded: map[string]string{}}
	if m.cases, err = pick("case", o.cases, cases, func(c run.Case) string { return c.Name }); err != nil {
		return nil, err
	}
	if m.targets, err = pick("peer", o.peers, all, func(p *target.Target) string { return p.Name }); err != nil {
		return nil, err
	}
	if o.peers != "" {
		m.includeNamed()
	}
	if o.quick {
		m.rounds = 1
		for i := range m.cases {
			m.cases[i].Warm, m.cases[i].For = 100*time.Millisecond, max(500*time.Millisecond, m.cases[i].For/4)
		}
	}
	return m, nil
}

// includeNamed lets targets that the command line names take part where they are left out for time.
func (m *suite) includeNamed() {
	for i := range m.cases {
		m.cases[i].Without = maps.Clone(m.cases[i].Without)
		maps.DeleteFunc(m.cases[i].Without, func(_, why string) bool { return why == forTime })
	}
}

// pick picks the items that are named, in their own order; without names it returns all.
func pick[T any](what, names string, all []T, name func(T) string) ([]T, error) {
	if names == "" {
		return slices.Clone(all), nil
	}
	wanted := strings.Split(names, ",")
	var picked []T
	for _, one := range all {
		if i := slices.Index(wanted, name(one)); i >= 0 {
			picked, wanted = append(picked, one), slices.Delete(wanted, i, i+1)
		}
	}
	if len(wanted) > 0 {
		var known []string
		for _, one := range all {
			known = append(known, name(one))
		}
		return nil, fmt.Errorf("there is no %s %s; there are %s", what, wanted[0], strings.Join(known, ", "))
	}
	return picked, nil
}

// spare is how many file descriptors the generator and a server need beside their sockets.
const spare = 200

// checkLimit returns an error unless one process may have as many sockets as the largest case has clients.
func (m *suite) checkLimit(files uint64) error {
	largest := slices.MaxFunc(m.cases, func(a, b run.Case) int { return cmp.Compare(a.Clients, b.Clients) })
	if need := uint64(largest.Clients + spare); files < need {
		return fmt.Errorf("the case %s needs %d file descriptors and the limit is %d: ulimit -n %d", largest.Name, need,
			files, need)
	}
	return nil
}

// goals are the goals of the cases that are measured.
func (m *suite) goals() []report.Goal {
	return slices.DeleteFunc(slices.Clone(goals), func(g report.Goal) bool {
		return !slices.ContainsFunc(m.cases, func(c run.Case) bool { return c.Name == g.Case })
	})
}
