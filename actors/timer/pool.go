package timer

import (
	"sync"
	"time"
)

// Pool holds timers for waits that nearly always end before their time: they are used again, and cost no allocation. The
// zero Pool is ready. It may be used by many goroutines at once.
type Pool struct{ idle sync.Pool }

// Start returns a timer that fires after d. The caller gives it back with Stop.
func (p *Pool) Start(d time.Duration) *time.Timer {
	if timer, ok := p.idle.Get().(*time.Timer); ok {
		timer.Reset(d)
		return timer
	}
	return time.NewTimer(d)
}

// Stop takes the timer back; its channel is empty then.
func (p *Pool) Stop(timer *time.Timer) {
	timer.Stop()
	p.idle.Put(timer)
}
