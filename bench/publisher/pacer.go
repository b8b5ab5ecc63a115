package publisher

import (
	"time"

	"golang.org/x/sys/unix"
)

// pacer says when events are due.
type pacer struct {
	interval time.Duration // 0 is at once
	due      time.Time
	now      func() time.Time
	sleep    func(time.Duration)
}

func newPacer(rate float64) *pacer {
	p := &pacer{due: time.Now(), now: time.Now, sleep: nap}
	if rate > 0 {
		p.interval = time.Duration(float64(time.Second) / rate)
	}
	return p
}

// wait blocks until the next event is due, and returns the time that the event bears.
func (p *pacer) wait() time.Time {
	now := p.now()
	if p.interval == 0 {
		return now
	}
	due := p.due
	p.due = due.Add(p.interval)
	if now.After(due) {
		return due
	}
	for now.Before(due) {
		p.sleep(due.Sub(now))
		now = p.now()
	}
	return now
}

// nap sleeps. The runtime's timers are exact to a millisecond only; the kernel's to 50 us.
func nap(d time.Duration) {
	if d > 3*time.Millisecond {
		time.Sleep(d - 2*time.Millisecond)
		return // the caller asks again
	}
	t := unix.NsecToTimespec(d.Nanoseconds())
	_ = unix.Nanosleep(&t, nil) // a signal of the runtime's own may end it early: the caller asks again
}
