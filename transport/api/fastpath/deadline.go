package fastpath

import (
	"context"
	"sync/atomic"
	"time"
)

// requestDeadline is the context of a connection's requests: it ends if one takes too long. The library's contexts with
// a timer cost five allocations a request; this one, if it did not end, serves the next request as well. So nobody may
// keep it after the response.
type requestDeadline struct {
	context.Context // never ends, and has no values
	timer           *time.Timer
	until           time.Time // changed between requests
	over            atomic.Bool
	done            chan struct{}
}

func newRequestDeadline() *requestDeadline {
	d := &requestDeadline{Context: context.Background(), done: make(chan struct{})}
	d.timer = time.AfterFunc(time.Hour, d.end)
	d.timer.Stop()
	return d
}

func (d *requestDeadline) end() {
	d.over.Store(true)
	close(d.done)
}

// start begins the time of a request.
func (d *requestDeadline) start(now time.Time, timeout time.Duration) {
	d.until = now.Add(timeout)
	d.timer.Reset(timeout)
}

// stop ends the time of a request. It reports false if the time was over before; d is of no more use then.
func (d *requestDeadline) stop() bool { return d.timer.Stop() }

// Deadline implements context.Context.
func (d *requestDeadline) Deadline() (time.Time, bool) { return d.until, true }

// Done implements context.Context.
func (d *requestDeadline) Done() <-chan struct{} { return d.done }

// Err implements context.Context.
func (d *requestDeadline) Err() error {
	if d.over.Load() {
		return context.DeadlineExceeded
	}
	return nil
}
