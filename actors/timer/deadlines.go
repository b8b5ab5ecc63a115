package timer

import (
	"time"
)

// Deadlines are those of one connection, as Wheel.Since measures them; 0 is never. They share one entry in the wheel.
// They belong to the connection's actor.
type Deadlines struct {
	until     int64 // when the login has to be finished, then when the token expires
	tickAt    int64 // the dialect's next heartbeat
	tickEvery time.Duration
	firesAt   int64 // when the wheel fires next
}

// SetEnd sets when the login has to be finished, or when the token expires; 0 is never.
func (d *Deadlines) SetEnd(at int64) { d.until = at }

// Ended reports whether that time is over.
func (d *Deadlines) Ended(now int64) bool { return Passed(d.until, now) }

// SetInterval sets the interval of the dialect's heartbeat; 0 is none.
func (d *Deadlines) SetInterval(every time.Duration, now int64) {
	d.tickEvery, d.tickAt = every, 0
	if every > 0 {
		d.tickAt = now + int64(every)
	}
}

// TickDue reports whether the heartbeat is due, and sets the next one.
func (d *Deadlines) TickDue(now int64) bool {
	if !Passed(d.tickAt, now) {
		return false
	}
	d.tickAt += int64(d.tickEvery)
	if d.tickAt <= now { // the process slept: do not make up for it
		d.tickAt = now + int64(d.tickEvery)
	}
	return true
}

// Next is the earliest deadline, with those of a silent peer and of a borrowed grant; 0 is none. sooner says that the
// wheel has to be asked to fire then, since it does not fire before.
func (d *Deadlines) Next(silentAt, rightsAt int64) (next int64, sooner bool) {
	for _, at := range [...]int64{d.until, d.tickAt, silentAt, rightsAt} {
		if at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	if next == 0 || d.firesAt != 0 && d.firesAt <= next {
		return next, false
	}
	d.firesAt = next
	return next, true
}

// Fired notes that the wheel fired.
func (d *Deadlines) Fired(now int64) {
	if d.firesAt <= now {
		d.firesAt = 0
	}
}

// Passed reports whether a deadline is over; 0 never is.
func Passed(deadline, now int64) bool { return deadline != 0 && deadline <= now }
