package fanout

import (
	"time"

	"github.com/parley-realtime/parley/actors/policy"
)

// Window is the time in which the events of a topic wait for more, so that each subscriber gets them in one write. It
// opens with the first event, and ends when its time is over or it has batched enough. It belongs to the topic's
// actor. One timer, and not a wheel, ends it: 20 ms more or less would be much of it.
type Window struct {
	ends   func(number uint64)
	timer  *time.Timer
	number uint64 // of the window that is open, or comes next
	until  time.Time
	open   bool
	events int // that it batched
}

// NewWindow makes a window that is not open. It calls ends on a goroutine of its own when the time of an open one is
// over; the caller then has the topic's actor call End with that number.
func NewWindow(ends func(number uint64)) *Window { return &Window{ends: ends} }

// Open opens the window for an event that waits, unless it is open and ends in time for that.
func (w *Window) Open(b *policy.Batch, now time.Time) {
	until := now.Add(b.Window)
	if w.open && !until.Before(w.until) {
		return
	}
	w.stop()
	number := w.number
	w.open, w.until, w.timer = true, until, time.AfterFunc(b.Window, func() { w.ends(number) })
}

// Add is Open, and counts the event. It reports whether the window has to end now.
func (w *Window) Add(b *policy.Batch, now time.Time) (full bool) {
	w.Open(b, now)
	w.events++
	return w.events >= b.Count
}

// Number returns the number of the window that is open, or of the next one.
func (w *Window) Number() uint64 { return w.number }

// End ends the window with a number. It reports whether that was open.
func (w *Window) End(number uint64) bool {
	if !w.open || number != w.number {
		return false
	}
	w.stop()
	w.number++
	w.open, w.events = false, 0
	return true
}

func (w *Window) stop() {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
}
