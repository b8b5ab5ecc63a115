package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// ErrUnreachable means that no server answers at the target's address.
var ErrUnreachable = errors.New("nothing answers")

// errCaseTimeout ends a case that does not come to an end, though each of its steps makes progress.
var errCaseTimeout = errors.New("the case did not come to an end")

// Run plays cases against a target. It blocks until they are done or ctx ends; in that case the report lacks those that
// were not played, and the error is that of ctx. Other errors are ErrUnreachable, and a target or a pattern that makes
// no sense.
func Run(ctx context.Context, t Target, o Options) (*Report, error) {
	e, err := t.filled()
	if err != nil {
		return nil, err
	}
	cases, err := Select(o, t.Live)
	if err != nil {
		return nil, err
	}
	o = o.filled()
	if !e.reachable(ctx, o.Wait) {
		return nil, fmt.Errorf("%w at %s", ErrUnreachable, e.address.Redacted())
	}
	r := &run{endpoint: e, options: o, results: make([]Result, len(cases))}
	r.all(ctx, cases)
	return r.report(cases), ctx.Err()
}

// run is a battery at work.
type run struct {
	*endpoint
	options Options

	mu      sync.Mutex
	results []Result // by the index of the case; one without an ID was not played
	stopped bool     // after a failure
	down    bool     // the server went down and did not come back
}

// all plays the slow cases beside the others, which they do not disturb.
func (r *run) all(ctx context.Context, cases []Case) {
	var players sync.WaitGroup
	queue := make(chan int, len(cases))
	for i, c := range cases {
		if c.Slow {
			players.Go(func() { r.one(ctx, i, c) })
		} else {
			queue <- i
		}
	}
	close(queue)
	for range r.options.Jobs {
		players.Go(func() {
			for i := range queue {
				r.one(ctx, i, cases[i])
			}
		})
	}
	players.Wait()
}

// one plays a case, unless the run is over.
func (r *run) one(ctx context.Context, i int, c Case) {
	r.mu.Lock()
	over := r.stopped || r.down || ctx.Err() != nil
	r.mu.Unlock()
	if over {
		return
	}
	result := r.play(ctx, c)
	if ctx.Err() != nil {
		return // an interrupted case proves nothing about the server
	}
	gone := r.afterwards(ctx, &result)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results[i] = result
	r.down = r.down || gone
	r.stopped = r.stopped || r.options.StopAtFailure && result.Outcome == Fail
	if r.options.Each != nil {
		r.options.Each(result)
	}
}

// play plays a case.
func (r *run) play(ctx context.Context, c Case) Result {
	ctx, cancel := context.WithTimeoutCause(ctx, max(2*time.Minute, 2*r.HandshakeLimit), errCaseTimeout)
	defer cancel()
	start := time.Now()
	s := &session{endpoint: r.endpoint, ctx: ctx}
	err := c.play(s)
	s.end()
	outcome, note := outcomeOf(err)
	return Result{Case: c, Outcome: outcome, Note: note, Took: time.Since(start)}
}

// afterwards checks that the server has survived a case that failed or was meant to hurt. If it has not, and does not
// come back either, the run is over.
func (r *run) afterwards(ctx context.Context, result *Result) (gone bool) {
	const moment = 300 * time.Millisecond
	hurts := strings.HasPrefix(result.ID, "14.") || strings.HasPrefix(result.ID, "15.")
	if !hurts && (result.Outcome == Pass || result.Outcome == Skip) || r.reachable(ctx, moment) {
		return false
	}
	result.Outcome, result.Note = Fail, "server down after this case; "+result.Note
	return !r.reachable(ctx, r.options.Wait)
}

// reachable reports whether the server answers a handshake, with whatever status.
func (e *endpoint) reachable(ctx context.Context, patience time.Duration) bool {
	for end := time.Now().Add(patience); ; {
		s := &session{endpoint: e, ctx: ctx}
		p, err := s.connect()
		if err == nil {
			_, err = p.ask(s.request())
		}
		s.end()
		if err == nil {
			return true
		}
		if time.Now().After(end) || pause(ctx, 100*time.Millisecond) != nil {
			return false
		}
	}
}
