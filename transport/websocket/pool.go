package websocket

import (
	"runtime"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// rounds is how many batches a worker writes to one socket before the others of its line get their turn.
const rounds = 4

// worker writes to the sockets of a line, as far as they take it without blocking. All of it is owned by run.
type worker struct {
	line      *line
	threshold int // Config.CompressionThreshold

	sockets []*socket       // at most atOnce of them
	frames  []*actors.Frame // at most takeBytes/17 of them
	buf     []byte          // at most takeBytes
	out     []byte          // what write writes
	wrote   int
	err     error
	write   func(fd uintptr) bool // made once, since a closure per delivery would be garbage
	clock   int64                 // Unix nanoseconds, at most atOnce sockets old
	freed   int                   // bytes that a backlog does not know of yet
	owes    outbox                // one of those that they were freed from, all of one backlog
}

func newWorker(l *line, threshold int) *worker {
	w := &worker{line: l, threshold: threshold, buf: make([]byte, 0, takeBytes)}
	w.write = func(fd uintptr) bool {
		w.wrote, w.err = writeNow(fd, w.out)
		return true
	}
	return w
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
		w.pause()
	}
}

// pause lets others have the processor, and tells the backlog what was written.
func (w *worker) pause() {
	w.repay()
	runtime.Gosched()
}

// serve writes what waits for s.
func (w *worker) serve(s *socket) {
	s.turn.take()
	for range rounds {
		frames, last := s.upcoming(w.frames[:0], takeBytes)
		w.frames = frames[:0]
		if len(frames) == 0 {
			s.release()
			return
		}
		more, mine := w.deliver(s, batch{frames: frames, last: last})
		if !mine {
			return
		}
		if !more && s.closing.Load() == nil {
			s.release()
			return
		}
	}
	s.turn.state.Store(due)
	w.line.enqueue(s)
}

// deliver writes a batch with one system call. more reports whether something waits behind it; mine is false if the socket's turn
// is somebody else's now, or has ended.
func (w *worker) deliver(s *socket, b batch) (more, mine bool) {
	st := style{s.deflate, w.threshold}
	w.out, w.wrote, w.err = b.bytes(w.buf, st), 0, nil
	err := s.raw.Write(w.write)
	if err == nil {
		err = w.err
	}
	whole := w.wrote == len(w.out)
	w.out = nil
	switch {
	case err != nil && !wouldBlock(err):
		clear(b.frames)
		s.server.enter()
		go func() {
			defer s.server.leave()
			s.finish(protocol.Lost)
		}()
		return false, false
	case !whole:
		w.handOver(s, b, st)
		return false, false
	case b.last:
		s.shut()
	default:
		more = w.settle(s, b.frames)
	}
	clear(b.frames)
	return more, true
}

// repay tells the backlog what was written.
func (w *worker) repay() {
	if w.freed > 0 {
		w.owes.Relieve(w.freed)
	}
	w.freed, w.owes = 0, nil
}

// settle says what was written; it reports whether more waits.
func (w *worker) settle(s *socket, frames []*actors.Frame) bool {
	freed, more := s.outbox.Settle(frames, w.clock)
	if freed > 0 {
		s.tenant = s.outbox.Backlog()
		if w.owes != nil && w.owes.Backlog() != s.tenant {
			w.repay()
		}
		w.freed, w.owes = w.freed+freed, s.outbox
	}
	return more
}

// handOver leaves a socket that is full to a goroutine of its own.
func (w *worker) handOver(s *socket, b batch, st style) {
	if whole := b.advance(w.wrote, st); len(whole) > 0 {
		w.settle(s, whole)
	}
	rest := batch{frames: append([]*actors.Frame(nil), b.frames...), skip: b.skip, last: b.last}
	clear(w.frames[:cap(w.frames)])
	s.server.enter()
	go s.carry(rest)
}
