package timer

import (
	"sync"
	"time"
)

// Pool reuses timers for waits that nearly always end early, so that such a wait allocates nothing. The zero Pool is
// ready. Many goroutines may use it at once.
type Pool struct{ idle sync.Pool }

// Start returns a timer that fires after d. The caller gives it back by Stop.
func (p *Pool) Start(d time.Duration) *time.Timer {
	if timer, ok := p.idle.Get().(*time.Timer); ok {
		timer.Reset(d)
		return timer
	}
	return time.NewTimer(d)
}

// Stop stops a timer of Start and takes it back; the caller must not touch it any more. It need not have fired, nor its
// channel have been read.
func (p *Pool) Stop(timer *time.Timer) {
	timer.Stop()
	p.idle.Put(timer)
}
