package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/timer"
)

// The timing wheel knows a connection in two forms: it fires one at the next deadline of its actor, and the other when
// it is the connection's turn to be pinged.
type (
	deadlineTimer Conn
	pingTimer     Conn
)

// Fire has the actor look which of its deadlines are due.
func (d *deadlineTimer) Fire() { (*Conn)(d).box.SendUnbounded(deadlineDue{}) }

// Fire pings the peer, and leaves the actor asleep. Pings of all connections are spread over the interval, whenever
// their clients came: 15,000 that are pinged at once wake everything that they have, in the server and on the network.
func (p *pingTimer) Fire() {
	l := (*Conn)(p)
	if !l.flags.has(isGone | isOut) {
		l.outbox.Charge(l.outbox.SendControl(outbox.Ping, nil, false))
		l.scheduleTurn(time.Now())
	}
}

// scheduleTurn has the wheel fire when the connection is to be pinged next, and for its actor if the peer counts as
// gone before that.
func (l *Conn) scheduleTurn(now time.Time) {
	next := l.nextTurn(now)
	if silent := l.silentAt(); silent < next {
		l.node.wheel.ScheduleAt(silent, (*deadlineTimer)(l))
	}
	l.node.wheel.ScheduleAt(next, (*pingTimer)(l))
}

// nextTurn is when the connection is to be pinged next, as timer.Wheel.Since measures it.
func (l *Conn) nextTurn(now time.Time) int64 {
	return timer.NextTurn(l.number(), l.node.cfg.PingEvery, l.node.wheel.Since(now))
}

// silentAt is when the peer counts as gone if it stays silent until then, as timer.Wheel.Since measures it. As long as
// the peer answers, its next turn comes before that, so this deadline costs no timer of its own. A dialect whose
// clients do not always read may allow more time (Limits.Unread).
func (l *Conn) silentAt() int64 {
	return l.heard.Load() + int64(max(l.node.cfg.Timeout, l.dialect().Limits().Unread))
}
