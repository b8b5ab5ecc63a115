package websocket

import "sync/atomic"

// writeState gives one goroutine at a time the right to write to a socket, and remembers a wake-up that comes
// meanwhile.
type writeState struct{ state atomic.Uint32 }

const (
	idle        = iota // nothing waits
	scheduled          // the socket is in a ready queue, or a goroutine was started for it
	running            // a goroutine writes
	rescheduled        // a goroutine writes, and the socket was woken since
)

// schedule reports whether the caller has to find a writer.
func (w *writeState) schedule() bool {
	for {
		switch state := w.state.Load(); state {
		case idle:
			if w.state.CompareAndSwap(idle, scheduled) {
				return true
			}
		case running:
			if w.state.CompareAndSwap(running, rescheduled) {
				return false
			}
		default:
			return false
		}
	}
}

// acquire begins the writing.
func (w *writeState) acquire() { w.state.Store(running) }

// reschedule ends the writing of a socket for which more waits. The caller finds the next writer.
func (w *writeState) reschedule() { w.state.Store(scheduled) }

// release ends the writing. It reports whether the caller has to find another writer right away.
func (w *writeState) release() bool {
	if w.state.CompareAndSwap(running, idle) {
		return false
	}
	w.state.Store(scheduled)
	return true
}
