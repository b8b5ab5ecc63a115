package websocket

import (
	"runtime"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// maxBatches is how many batches a writer sends to one socket before the others of its queue get their turn.
const maxBatches = 4

// yieldAfter is how long a writer works before it yields its processor. To the scheduler it seems to compute (see
// tryWrite), so it could otherwise go on for 10 ms while publishers wait. But each yield may wake a thread of the
// runtime, in vain as a rule, and cost as much as four deliveries.
const yieldAfter = time.Millisecond

// writer writes to the sockets of a ready queue for as long as they take data without blocking. run owns all of it.
type writer struct {
	queue     *readyQueue
	threshold int // Config.CompressionThreshold

	sockets   []*socket       // at most batchSize of them
	frames    []*outbox.Frame // at most takeBytes/17 of them
	buf       []byte          // at most takeBytes
	records   []byte          // at most maxRecords
	unwritten batch           // what a full socket has not taken, until serve passes it to a slowWriter
	now       int64           // Unix nanoseconds, at most batchSize sockets old
	yielded   int64           // the time of the last yield, equally old
	credit    int             // bytes that were written, and that publishers of creditOf do not know of yet
	creditOf  *outbox.Backpressure
}

// outcome is the state of a socket after a writer has written to it.
type outcome int

const (
	allWritten  outcome = iota // nothing waits
	moreWaits                  // more than maxBatches waited
	socketFull                 // the kernel has not taken all
	writeFailed                // the connection is lost
)

func newWriter(q *readyQueue, threshold int) *writer {
	return &writer{queue: q, threshold: threshold, buf: make([]byte, 0, takeBytes)}
}

// run writes until the queue is stopped.
func (w *writer) run() {
	for {
		w.sockets = w.queue.dequeue(w.sockets[:0])
		if len(w.sockets) == 0 {
			return
		}
		w.now = time.Now().UnixNano()
		for _, s := range w.sockets {
			w.serve(s)
		}
		clear(w.sockets)
		w.releaseCredit()
		w.yield()
	}
}

// yield lets other goroutines have the processor, once in yieldAfter.
func (w *writer) yield() {
	if w.now-w.yielded >= int64(yieldAfter) {
		w.yielded = w.now
		runtime.Gosched()
	}
}

// serve writes what waits for a scheduled socket, and passes the socket on if that is not all.
func (w *writer) serve(s *socket) {
	s.state.acquire()
	left := allWritten
	if s.fd.acquire() {
		left = w.write(s)
		if s.fd.release() {
			hardClose(s)
		}
	}
	switch left {
	case allWritten:
		s.writeDone()
	case moreWaits:
		s.state.reschedule()
		w.queue.enqueue(s)
	case socketFull:
		startSlowWriter(s, w.unwritten)
		w.unwritten = batch{}
	case writeFailed:
		s.finishAsync(protocol.Lost)
	}
}

// write sends up to maxBatches of what waits for a socket whose fd is acquired, each with one system call.
func (w *writer) write(s *socket) outcome {
	for range maxBatches {
		frames, closes := s.nextFrames(w.frames[:0], takeBytes)
		w.frames = frames[:0]
		if len(frames) == 0 && !needsSeal(s, closes) {
			if closes {
				s.halfClose()
			}
			return allWritten
		}
		left, more := w.writeBatch(s, batch{frames: frames, closes: closes})
		clear(frames)
		if left != allWritten || !more && s.closing.Load() == nil {
			return left
		}
	}
	return moreWaits
}

// writeBatch writes a batch. more reports whether something waits behind it.
func (w *writer) writeBatch(s *socket, b batch) (left outcome, more bool) {
	format := frameFormat{s.window, w.threshold}
	out := b.bytes(w.buf, format)
	if s.sealed {
		if len(out) > takeBytes { // a single large frame, which the slowWriter encrypts in pieces
			w.keepRest(s, b, 0, format)
			return socketFull, false
		}
		var err error
		if b.records, err = seal(s, out, w.records, b.closes); err != nil {
			return writeFailed, false
		}
		b.plain = len(out)
		out, w.records = b.records, b.records
	}
	n, err := tryWrite(uintptr(s.fd.number), out)
	switch {
	case err != nil && !wouldBlock(err):
		return writeFailed, false
	case n < len(out):
		w.keepRest(s, b, n, format)
		return socketFull, false
	case b.closes:
		s.halfClose()
		return allWritten, false
	case len(b.frames) == 0:
		return allWritten, false
	}
	return allWritten, w.ack(s, b.frames)
}

// keepRest copies what is left of a batch of which n bytes were written.
func (w *writer) keepRest(s *socket, b batch, n int, format frameFormat) {
	if whole := b.advance(n, format); len(whole) > 0 {
		w.ack(s, whole)
	}
	w.unwritten = b
	w.unwritten.frames = append([]*outbox.Frame(nil), b.frames...)
	w.unwritten.records = append([]byte(nil), b.records...)
}

// ack tells the outbox which frames were written; it reports whether more waits.
func (w *writer) ack(s *socket, frames []*outbox.Frame) bool {
	freed, more := acknowledge(s, frames, w.now)
	if freed > 0 {
		s.tenant = s.outbox.Backpressure()
		if w.creditOf != s.tenant {
			w.releaseCredit()
		}
		w.credit, w.creditOf = w.credit+freed, s.tenant
	}
	return more
}

// releaseCredit lets publishers know how many bytes were written.
func (w *writer) releaseCredit() {
	w.creditOf.Add(-w.credit)
	w.credit, w.creditOf = 0, nil
}
