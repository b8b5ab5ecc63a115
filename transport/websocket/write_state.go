package websocket

import (
	"sync/atomic"

	"github.com/parley-realtime/parley/actors/outbox"
)

// turn says whose turn it is to write to a socket, so that one goroutine at a time does. A wake-up during a turn is remembered.
type turn struct{ state atomic.Uint32 }

const (
	asleep  = iota // nobody; nothing waits
	due            // it stands in a line, or a goroutine was started for it
	writing        // somebody writes
	again          // somebody writes, and was woken since
)

// wake reports whether the caller has to see to it that somebody takes the turn.
func (t *turn) wake() bool {
	for {
		switch state := t.state.Load(); state {
		case asleep:
			if t.state.CompareAndSwap(asleep, due) {
				return true
			}
		case writing:
			if t.state.CompareAndSwap(writing, again) {
				return false
			}
		default:
			return false
		}
	}
}

// take begins the turn.
func (t *turn) take() { t.state.Store(writing) }

// pass ends the turn; it reports whether somebody has to take the next one right away.
func (t *turn) pass() bool {
	if t.state.CompareAndSwap(writing, asleep) {
		return false
	}
	t.state.Store(due)
	return true
}

// Wake implements outbox.Transport.
func (s *socket) Wake() {
	if s.turn.wake() {
		s.dispatch()
	}
}

// dispatch finds a writer.
func (s *socket) dispatch() {
	if s.direct() {
		s.line.enqueue(s)
		return
	}
	s.server.enter()
	go s.carry(batch{})
}

// release ends a turn.
func (s *socket) release() {
	if s.turn.pass() {
		s.dispatch()
	}
}

// upcoming appends what is to be written next: what waits, up to max bytes, or the close frame (last) if nothing does.
// Last without a frame is an end without one.
func (s *socket) upcoming(into []*outbox.Frame, max int) (frames []*outbox.Frame, last bool) {
	if s.farewell.Load() || s.over.Load() {
		return into, false
	}
	c := s.closing.Load()
	due, hurried := c.stage() // before the outbox is looked at: what was said until then comes first
	if s.outbox != nil && !hurried {
		if frames = s.outbox.Take(into, max); len(frames) > len(into) {
			if s.records {
				s.recordSent(frames[len(into):])
			}
			return frames, false
		}
	}
	switch {
	case !due && !hurried: // what changes that wakes us
		return into, false
	case c.frameless:
		return into, true
	}
	return append(into, c.frame()), true
}
