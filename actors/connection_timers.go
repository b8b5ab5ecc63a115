package actors

import (
	"time"
)

// deadlines are what a connection has time for, as wheel.since tells it; 0 is for ever. All of them share one entry in
// the wheel. They belong to the connection's actor.
type deadlineTimers struct {
	until     int64 // the end of the time for a login, then that of the token
	tickAt    int64 // the dialect's next heartbeat
	tickEvery time.Duration
	pingAt    int64 // the next ping
	firesAt   int64 // when the wheel rings next
}

// expire sets the end of the time for a login or of a token; 0 is none.
func (d *deadlineTimers) expire(at int64) { d.until = at }

// over reports whether that time is over.
func (d *deadlineTimers) expired(now int64) bool { return passed(d.until, now) }

// beat sets the interval of the dialect's heartbeat; 0 is none.
func (d *deadlineTimers) setInterval(every time.Duration, now int64) {
	d.tickEvery, d.tickAt = every, 0
	if every > 0 {
		d.tickAt = now + int64(every)
	}
}

// beats reports whether the heartbeat is due, and sets the next one.
func (d *deadlineTimers) ticks(now int64) bool {
	if !passed(d.tickAt, now) {
		return false
	}
	d.tickAt += int64(d.tickEvery)
	if d.tickAt <= now { // the process slept: do not make up for it
		d.tickAt = now + int64(d.tickEvery)
	}
	return true
}

// ping sets the next ping.
func (d *deadlineTimers) setPing(at int64) { d.pingAt = at }

// pings reports whether the ping is due, and sets the next one.
func (d *deadlineTimers) pingDue(now int64, every time.Duration) bool {
	if !passed(d.pingAt, now) {
		return false
	}
	d.setPing(now + int64(every))
	return true
}

// ring is the next deadline, that of a silent peer and of a right that was lent (0 for none) included. sooner says that the
// wheel has to be asked for it, since it does not ring before.
func (d *deadlineTimers) next(silentAt, rightsAt int64) (next int64, sooner bool) {
	next = min(d.pingAt, silentAt)
	for _, at := range [...]int64{d.until, d.tickAt, rightsAt} {
		if at != 0 && at < next {
			next = at
		}
	}
	if d.firesAt != 0 && d.firesAt <= next {
		return next, false
	}
	d.firesAt = next
	return next, true
}

// rung says that the wheel rang.
func (d *deadlineTimers) fired(now int64) {
	if d.firesAt <= now {
		d.firesAt = 0
	}
}

func passed(deadline, now int64) bool { return deadline != 0 && deadline <= now }
