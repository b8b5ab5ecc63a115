package websocket

import (
	"sync"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// rounds is how many batches a worker writes to one socket before the others of its queue get their turn.
const rounds = 4

// worker writes to the sockets that belong to it, as far as they take it without blocking.
type worker struct {
	threshold int // Config.CompressionThreshold

	mu         sync.Mutex
	awake      sync.Cond
	head, tail *socket // woken, in order
	idle       bool    // run waits on awake
	stopped    bool

	// Owned by run.
	frames []*actors.Frame // at most takeBytes/17 of them
	buf    []byte          // at most takeBytes
	out    []byte          // what write writes
	wrote  int
	err    error
	write  func(fd uintptr) bool // made once, since a closure per delivery would be garbage
}

func newWorker(threshold int) *worker {
	w := &worker{threshold: threshold, buf: make([]byte, 0, takeBytes)}
	w.awake.L = &w.mu
	w.write = func(fd uintptr) bool {
		w.wrote, w.err = writeNow(fd, w.out)
		return true
	}
	return w
}

// enqueue gives the worker a socket whose turn is due.
func (w *worker) enqueue(s *socket) {
	w.mu.Lock()
	if w.tail == nil {
		w.head = s
	} else {
		w.tail.next = s
	}
	w.tail = s
	wake := w.idle
	w.idle = false
	w.mu.Unlock()
	if wake {
		w.awake.Signal()
	}
}

// stop ends run. Sockets that are woken after it stay unwritten.
func (w *worker) stop() {
	w.mu.Lock()
	w.stopped, w.idle = true, false
	w.mu.Unlock()
	w.awake.Signal()
}

func (w *worker) run() {
	for {
		s := w.woken()
		if s == nil {
			return
		}
		for s != nil {
			next := s.next
			s.next = nil
			w.serve(s)
			s = next
		}
	}
}

// woken waits for sockets and takes all that are there.
func (w *worker) woken() *socket {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.head == nil && !w.stopped {
		w.idle = true
		w.awake.Wait()
	}
	if w.stopped {
		return nil
	}
	s := w.head
	w.head, w.tail = nil, nil
	return s
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
		if !w.deliver(s, batch{frames: frames, last: last}) {
			return
		}
	}
	s.turn.state.Store(due)
	w.enqueue(s)
}

// deliver writes a batch with one system call. It reports false if the socket's turn is somebody else's now, or has ended.
func (w *worker) deliver(s *socket, b batch) bool {
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
			s.finish(protocol.Disconnected)
		}()
		return false
	case !whole:
		w.handOver(s, b, st)
		return false
	case b.last:
		s.shut()
	default:
		s.outbox.Wrote(b.frames)
	}
	clear(b.frames)
	return true
}

// handOver leaves a socket that is full to a goroutine of its own.
func (w *worker) handOver(s *socket, b batch, st style) {
	if whole := b.advance(w.wrote, st); len(whole) > 0 {
		s.outbox.Wrote(whole)
	}
	rest := batch{frames: append([]*actors.Frame(nil), b.frames...), skip: b.skip, last: b.last}
	clear(w.frames[:cap(w.frames)])
	s.server.enter()
	go s.carry(rest)
}
