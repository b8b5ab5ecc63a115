package api

import (
	"context"
	"sync/atomic"
	"time"
)

// patience is the context of the requests of a ride: it ends if one takes too long. The library's contexts with a timer
// cost five allocations a request; one that did not end serves the next request as well. So who gets it may not keep it.
type patience struct {
	context.Context // ends never, and has no values
	timer           *time.Timer
	until           time.Time // changed between requests
	over            atomic.Bool
	done            chan struct{}
}

func newPatience() *patience {
	p := &patience{Context: context.Background(), done: make(chan struct{})}
	p.timer = time.AfterFunc(time.Hour, p.end)
	p.timer.Stop()
	return p
}

func (p *patience) end() {
	p.over.Store(true)
	close(p.done)
}

// start begins to wait.
func (p *patience) start(now time.Time, most time.Duration) {
	p.until = now.Add(most)
	p.timer.Reset(most)
}

// stop ends the wait. It reports false if that was too late, and p is of no more use.
func (p *patience) stop() bool { return p.timer.Stop() }

// Deadline implements context.Context.
func (p *patience) Deadline() (time.Time, bool) { return p.until, true }

// Done implements context.Context.
func (p *patience) Done() <-chan struct{} { return p.done }

// Err implements context.Context.
func (p *patience) Err() error {
	if p.over.Load() {
		return context.DeadlineExceeded
	}
	return nil
}

// bounded is a context that ends when a request takes too long; one that does already is as good.
func (a *API) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if p, ok := ctx.(*patience); ok {
		return p, func() {}
	}
	return context.WithTimeout(ctx, a.cfg.RequestTimeout)
}
