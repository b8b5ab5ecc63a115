// Package scenario runs fault scenarios: it gives them servers, random choices from a printed seed and a folder,
// records what they find out about which acceptance check, and cleans up behind them however they end.
//
// A scenario is a function of a Run. It reports what it measured with Figure and what must hold with Want; Must ends
// the scenario at the first error without which it cannot go on, and then all its checks fail. Everything that it
// starts ends with it. A check about which a scenario reports nothing has failed, unless the scenario says that the
// machine lacks what the check needs (Skip).
package scenario

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/parley-realtime/parley/bench/faults/checker"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// Options are how scenarios run.
type Options struct {
	Seed   uint64
	Short  bool          // at a size for each push instead of the one that the checks name
	Brief  bool          // at that size, for a quarter of the time and at most 15 s
	For    time.Duration // how long scenarios go on that go on for a time; 0 is as long as their checks say
	Binary string        // the server
	Out    io.Writer     // what happens meanwhile
}

// Run is one run of a scenario. The goroutine of the scenario owns it.
type Run struct {
	Options
	// Random makes all random choices, from the seed.
	Random *rand.Rand
	// Dir is an empty folder, which is removed when the scenario ends.
	Dir string

	ctx      context.Context
	findings map[int]*Finding
	cleanups []func()
}

// Finding is what a scenario found out about a check.
type Finding struct {
	Figures  []string
	Failures []string // those that were wanted in the same words once, with the first one's values
	Skipped  string   // why nothing more was found out, "" if nothing is in the way

	wanted map[string]int // failures by their words
}

// Outcome is how a scenario ended: what it found out by check.
type Outcome struct {
	Findings map[int]*Finding
	Took     time.Duration
}

// Failed reports whether any check failed.
func (o Outcome) Failed() bool {
	for _, f := range o.Findings {
		if len(f.Failures) > 0 {
			return true
		}
	}
	return false
}

// stopped and skipped are panics that end a scenario from within.
type (
	stopped struct{ why error }
	skipped struct{ why string }
)

// Play runs a scenario that shows checks, and blocks until it has ended and is cleaned up.
func Play(ctx context.Context, scenario func(*Run), checks []int, o Options) Outcome {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &Run{Options: o, Random: rand.New(rand.NewPCG(o.Seed, 0)), ctx: ctx, findings: map[int]*Finding{}}
	for _, check := range checks {
		r.findings[check] = &Finding{wanted: map[string]int{}}
	}
	began := time.Now()
	r.play(scenario)
	for _, f := range r.findings {
		if len(f.Figures)+len(f.Failures) == 0 && f.Skipped == "" {
			f.Failures = append(f.Failures, "the scenario says nothing about it")
		}
	}
	return Outcome{r.findings, time.Since(began)}
}

// play lets the scenario happen and cleans up.
func (r *Run) play(scenario func(*Run)) {
	defer func() {
		for _, cleanup := range slices.Backward(r.cleanups) {
			cleanup()
		}
	}()
	defer func() {
		switch why := recover().(type) {
		case nil:
		case stopped:
			for _, f := range r.findings {
				f.Failures = append(f.Failures, why.why.Error())
			}
		case skipped:
			for _, f := range r.findings {
				f.Skipped = why.why
			}
		default:
			panic(why)
		}
	}()
	var err error
	r.Dir, err = os.MkdirTemp("", "parley-faults-")
	r.Must(err)
	r.Cleanup(func() { os.RemoveAll(r.Dir) })
	scenario(r)
}

// Cleanup registers a function that runs when the scenario ends, the latest first.
func (r *Run) Cleanup(do func()) { r.cleanups = append(r.cleanups, do) }

// Must ends the scenario unless err is nil.
func (r *Run) Must(err error) {
	if err != nil {
		panic(stopped{err})
	}
}

// Skip ends the scenario where the machine lacks what it needs.
func (r *Run) Skip(format string, args ...any) { panic(skipped{fmt.Sprintf(format, args...)}) }

// Figure records a measured figure for a check.
func (r *Run) Figure(check int, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.findings[check].Figures = append(r.findings[check].Figures, text)
	fmt.Fprintf(r.Out, "    check %d: %s\n", check, text)
}

// Want fails a check unless ok. A failure in the same words as an earlier one is reported once.
func (r *Run) Want(check int, ok bool, format string, args ...any) {
	if ok {
		return
	}
	f := r.findings[check]
	if f.wanted[format]++; f.wanted[format] > 1 && format != "%s" {
		return
	}
	text := fmt.Sprintf(format, args...)
	f.Failures = append(f.Failures, text)
	fmt.Fprintf(r.Out, "    check %d FAILS: %s\n", check, text)
}

// Faultless fails a check for each fault.
func (r *Run) Faultless(check int, faults []checker.Fault) {
	for _, f := range faults {
		r.Want(check, false, "%s", f)
	}
}

// Note prints something about the progress of the scenario.
func (r *Run) Note(format string, args ...any) {
	fmt.Fprintf(r.Out, "    %s\n", fmt.Sprintf(format, args...))
}

// Size is how many of something a scenario uses.
func (r *Run) Size(full, short int) int {
	if r.Short {
		return short
	}
	return full
}

// Span is how long a part of a scenario lasts.
func (r *Run) Span(full, short time.Duration) time.Duration {
	switch {
	case r.For > 0:
		return r.For
	case r.Short:
		return short
	case r.Brief:
		return max(short, min(full/4, 15*time.Second))
	}
	return full
}

// Bound is how long something may take. A short run has noisy neighbours, and has three times as long.
func (r *Run) Bound(full time.Duration) time.Duration {
	if r.Short {
		return 3 * full
	}
	return full
}

// New makes a server that is killed when the scenario ends.
func (r *Run) New(c server.Conditions) *server.Server {
	s := server.New(r.Binary, c)
	r.Cleanup(s.Stop)
	return s
}

// Serve makes a server as New does, and starts it.
func (r *Run) Serve(c server.Conditions) *server.Server {
	s := r.New(c)
	r.Start(s)
	return s
}

// Start starts a server, the first time or again, and blocks until it serves.
func (r *Run) Start(s *server.Server) { r.Must(s.Start(r.ctx)) }

// Await calls holds every 10 ms until it returns true. It returns how long that took; ok is false if it was not in
// time.
func (r *Run) Await(within time.Duration, holds func() bool) (took time.Duration, ok bool) {
	began := time.Now()
	for {
		if holds() {
			return time.Since(began), true
		}
		if took = time.Since(began); took > within || r.ctx.Err() != nil {
			return took, false
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Result is what a table says: "passes", "fails: " and why, or "skipped: " and why.
func (f *Finding) Result() string {
	switch {
	case len(f.Failures) > 0:
	case f.Skipped != "":
		return "skipped: " + plain(f.Skipped)
	default:
		return "passes"
	}
	why := f.Failures[0]
	if n := len(f.Failures) - 1; n > 0 {
		why += fmt.Sprintf(" (and %d more)", n)
	}
	return "fails: " + plain(why)
}

// Figure is what was measured, in one line.
func (f *Finding) Figure() string {
	if len(f.Figures) == 0 {
		return "nothing measured"
	}
	return plain(strings.Join(f.Figures, "; "))
}

// plain makes a text fit for a cell of a table, of at most 400 bytes.
func plain(text string) string {
	text = strings.NewReplacer("|", "/", "\n", " ", "\r", " ", "*", "").Replace(text)
	if len(text) > 400 {
		text = strings.ToValidUTF8(text[:400], "") + "..."
	}
	return text
}
