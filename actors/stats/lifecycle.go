package stats

import (
	"sync/atomic"
	"time"
)

// Events count the lifecycle events of a tenant.
type Events struct {
	Emitted atomic.Uint64

	lost     [len(causes)]atomic.Uint64
	unlogged atomic.Uint64 // losses since the last log line
	logAt    atomic.Int64  // when losses may be logged again, as timer.Wheel.Since measures it
}

// Cause is what a lifecycle event was lost to.
type Cause int

const (
	// Mailbox is that of the lifecycle, which was full.
	Mailbox Cause = iota
	// Topic is that of the events, which refused one.
	Topic
	// Failure is a panic.
	Failure
)

var causes = [...]string{Mailbox: "mailbox", Topic: "topic", Failure: "failure"}

func (c Cause) String() string { return causes[c] }

// logEvery is how often losses are logged at most.
const logEvery = int64(time.Minute)

// Lost counts a loss. It returns how many losses the caller should log now: 0, or once a minute all since then.
func (e *Events) Lost(to Cause, now int64) (toLog uint64) {
	e.lost[to].Add(1)
	toLog = e.unlogged.Add(1)
	if at := e.logAt.Load(); at > now || !e.logAt.CompareAndSwap(at, now+logEvery) {
		return 0
	}
	e.unlogged.Store(0)
	return toLog
}

// Lifecycle is a snapshot of Events: the lifecycle events of a tenant since its lifecycle was switched on.
type Lifecycle struct {
	Emitted uint64
	// Lost counts the lost ones by Cause.
	Lost map[string]uint64
}

// Snapshot takes one.
func (e *Events) Snapshot() Lifecycle {
	now := Lifecycle{Emitted: e.Emitted.Load(), Lost: map[string]uint64{}}
	for i, cause := range causes {
		now.Lost[cause] = e.lost[i].Load()
	}
	return now
}
