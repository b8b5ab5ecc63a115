package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/timer"
)

// The timing wheel knows a connection in two forms: by the deadlines of its actor, and by its turn to be pinged.
type (
	deadlineTimer Conn
	pingTimer     Conn
)

// Fire has the actor look which of its deadlines are due.
func (d *deadlineTimer) Fire() { (*Conn)(d).box.SendUnbounded(deadlineDue{}) }

// Fire pings the peer, and leaves the actor asleep. The turns of all connections are spread over the interval, whenever
// their clients came: pinged at once, they would all wake at once.
func (p *pingTimer) Fire() {
	if l := (*Conn)(p); !l.flags.has(isGone | isOut) {
		l.outbox.Charge(l.outbox.SendControl(outbox.Ping, nil, false))
		p.schedule(time.Now())
	}
}

// schedule has the wheel fire at the next turn, and for the actor if the peer counts as gone before that.
func (p *pingTimer) schedule(now time.Time) {
	next, silent := p.next(now)
	if silent != 0 {
		p.node.wheel.ScheduleAt(silent, (*deadlineTimer)(p))
	}
	p.node.wheel.ScheduleAt(next, p)
}

// next is when the connection is to be pinged next. silent is when the peer counts as gone if that is sooner, else 0:
// the next turn looks after it. Both are as timer.Wheel.Since measures them.
func (p *pingTimer) next(now time.Time) (next, silent int64) {
	l := (*Conn)(p)
	next = timer.NextTurn(l.number(), l.node.cfg.PingEvery, l.node.wheel.Since(now))
	if silent = l.silentAt(); silent >= next {
		silent = 0
	}
	return next, silent
}

// silentAt is when the peer counts as gone if it stays silent until then. A dialect whose clients do not always read
// may allow more time (Limits.Unread).
func (l *Conn) silentAt() int64 {
	return l.heard.Load() + int64(max(l.node.cfg.Timeout, l.dialect().Limits().Unread))
}
