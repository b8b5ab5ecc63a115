package actors

import (
	"sync"
	"time"
)

// timers are for waits that nearly always end before their time: they are used again and again, and cost no allocation.
// Each node has its own.
type timers struct{ idle sync.Pool }

// start returns a timer that fires after d. Whoever starts it stops it.
func (t *timers) start(d time.Duration) *time.Timer {
	if timer, ok := t.idle.Get().(*time.Timer); ok {
		timer.Reset(d)
		return timer
	}
	return time.NewTimer(d)
}

// stop takes the timer back; nothing is in its channel then.
func (t *timers) stop(timer *time.Timer) {
	timer.Stop()
	t.idle.Put(timer)
}
