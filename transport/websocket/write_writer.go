package websocket

import (
	"runtime"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// rounds is how many batches a worker writes to one socket before the others of its line get their turn.
const rounds = 4

// pauseAfter is how long a worker is at work before it lets others have its processor. What it does looks like computing to the
// scheduler (see writeNow), which would otherwise let it go on for 10 ms while publishers wait; but each pause may wake a thread of
// the runtime, in vain as a rule, and cost as much as four deliveries.
const pauseAfter = time.Millisecond

// worker writes to the sockets of a line, as far as they take it without blocking. All of it is owned by run.
type worker struct {
	line      *line
	threshold int // Config.CompressionThreshold

	sockets []*socket       // at most atOnce of them
	frames  []*outbox.Frame // at most takeBytes/17 of them
	buf     []byte          // at most takeBytes
	rest    batch           // what a socket that is full has not taken, until serve hands it over
	clock   int64           // Unix nanoseconds, at most atOnce sockets old
	paused  int64           // when it last paused, likewise
	freed   int             // bytes that a backlog does not know of yet
	owes    frameSource     // one of those that they were freed from, all of one backlog
}

// state is how it stands with a socket after a worker wrote to it.
type state int

const (
	done   state = iota // nothing waits
	behind              // more waits than one turn may write
	full                // the kernel has not taken all
	broken
)

func newWorker(l *line, threshold int) *worker {
	return &worker{line: l, threshold: threshold, buf: make([]byte, 0, takeBytes)}
}

func (w *worker) run() {
	for {
		w.sockets = w.line.dequeue(w.sockets[:0])
		if len(w.sockets) == 0 {
			return
		}
		w.clock = time.Now().UnixNano()
		for _, s := range w.sockets {
			w.serve(s)
		}
		clear(w.sockets)
		w.repay()
		w.pause()
	}
}

// pause lets others have the processor, if it is time for it.
func (w *worker) pause() {
	if w.clock-w.paused >= int64(pauseAfter) {
		w.paused = w.clock
		runtime.Gosched()
	}
}

// serve takes the turn to write what waits for s.
func (w *worker) serve(s *socket) {
	s.turn.take()
	left := done
	if s.handle.hold() {
		left = w.write(s)
		if s.handle.drop() {
			hardClose(s)
		}
	}
	switch left {
	case done:
		s.release()
	case behind:
		s.turn.state.Store(due)
		w.line.enqueue(s)
	case full: // it gets a goroutine of its own
		s.server.enter()
		go s.carry(w.rest)
		w.rest = batch{}
	case broken:
		s.finishSoon(protocol.Lost)
	}
}

// write writes a few batches of what waits for a socket that is held, each with one system call.
func (w *worker) write(s *socket) state {
	for range rounds {
		frames, last := s.upcoming(w.frames[:0], takeBytes)
		w.frames = frames[:0]
		if len(frames) == 0 {
			if last {
				s.shut()
			}
			return done
		}
		left, more := w.deliver(s, batch{frames: frames, last: last})
		clear(frames)
		if left != done || !more && s.closing.Load() == nil {
			return left
		}
	}
	return behind
}

// deliver writes a batch. more reports whether something waits behind it.
func (w *worker) deliver(s *socket, b batch) (left state, more bool) {
	st := style{s.window, w.threshold}
	out := b.bytes(w.buf, st)
	n, err := writeNow(uintptr(s.handle.fd), out)
	switch {
	case err != nil && !wouldBlock(err):
		return broken, false
	case n < len(out):
		w.keep(s, b, n, st)
		return full, false
	case b.last:
		s.shut()
		return done, false
	}
	return done, w.settle(s, b.frames)
}

// keep notes what is left of a batch of which n bytes were written, in memory of its own.
func (w *worker) keep(s *socket, b batch, n int, st style) {
	if whole := b.advance(n, st); len(whole) > 0 {
		w.settle(s, whole)
	}
	w.rest = batch{frames: append([]*outbox.Frame(nil), b.frames...), skip: b.skip, last: b.last}
}

// settle says what was written; it reports whether more waits.
func (w *worker) settle(s *socket, frames []*outbox.Frame) bool {
	freed, more := s.outbox.AckAt(frames, w.clock)
	if freed > 0 {
		s.tenant = s.outbox.Backpressure()
		if w.owes != nil && w.owes.Backpressure() != s.tenant {
			w.repay()
		}
		w.freed, w.owes = w.freed+freed, s.outbox
	}
	return more
}

// repay tells the backlog what was written.
func (w *worker) repay() {
	if w.freed > 0 {
		w.owes.ReleaseCredit(w.freed)
	}
	w.freed, w.owes = 0, nil
}
