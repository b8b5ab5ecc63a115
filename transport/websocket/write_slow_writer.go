package websocket

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

const (
	// parkAfter is how long a full socket keeps its share of the backpressure on publishers. Peers that read are late
	// for moments only; one that is late for longer must not slow down the others.
	parkAfter = 50 * time.Millisecond

	// pieceBytes is how much goes at once into a connection that can only be written blocking, and what a peer has to
	// take within Config.WriteTimeout.
	pieceBytes = 16 << 10
)

// slowBuffers hold takeBytes each. A slowWriter has one during a write only: while its socket is full it has none, but
// with TLS the records that it is writing.
var slowBuffers = sync.Pool{New: func() any { b := make([]byte, 0, takeBytes); return &b }}

// slowWriter writes to one socket on a goroutine of its own until nothing waits: to a socket that was full, to one that
// cannot be written without blocking, or a large frame with TLS. It parks the outbox if that takes longer than
// parkAfter.
type slowWriter struct {
	socket *socket
	batch  batch
	format frameFormat
	timer  *time.Timer // calls park; nil without an outbox

	mu     sync.Mutex
	parked bool // the outbox is parked
	done   bool // too late to park it
}

// startSlowWriter starts a slowWriter for a scheduled socket. b is what is left of a batch that was begun; it may be
// empty.
func startSlowWriter(s *socket, b batch) {
	w := &slowWriter{socket: s, batch: b, format: frameFormat{s.window, s.server.config.CompressionThreshold}}
	s.server.addLive()
	go w.run()
}

func (w *slowWriter) run() {
	s := w.socket
	defer s.server.doneLive()
	s.state.acquire()
	if s.outbox != nil {
		w.timer = time.AfterFunc(parkAfter, w.park)
	}
	err := w.writeAll()
	w.unpark()
	switch {
	case err == nil:
		s.writeDone()
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.finish(protocol.Slow)
	default:
		s.finish(protocol.Lost)
	}
}

// writeAll writes the batch and everything that waits behind it.
func (w *slowWriter) writeAll() error {
	s, b := w.socket, &w.batch
	base := b.frames
	for {
		if b.empty() {
			clear(base)
			b.written = 0
			b.frames, b.closes = s.nextFrames(base[:0], w.pieceSize())
			if len(b.frames) == 0 && !needsSeal(s, b.closes) {
				if b.closes {
					s.halfClose()
				}
				return setWriteDeadline(s, time.Time{})
			}
			base = b.frames
		}
		if err := w.writePiece(); err != nil {
			return err
		}
		if b.empty() && b.closes {
			s.halfClose()
		}
	}
}

// pieceSize is how much is taken from the outbox at once.
func (w *slowWriter) pieceSize() int {
	if !w.socket.nonblocking() {
		return pieceBytes
	}
	return takeBytes
}

// writePiece writes at least pieceBytes, or the whole batch, within the write timeout.
func (w *slowWriter) writePiece() error {
	s, b := w.socket, &w.batch
	if err := setWriteDeadline(s, time.Now().Add(s.server.config.WriteTimeout)); err != nil {
		return err
	}
	for moved := 0; moved < pieceBytes; {
		if err := w.seal(); err != nil || b.empty() {
			return err
		}
		n, err := w.writeSome()
		moved += n
		if whole := b.advance(n, w.format); len(whole) > 0 && !b.closes {
			freed, _ := acknowledge(s, whole, time.Now().UnixNano())
			s.outbox.Backpressure().Add(-freed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// seal makes the records of the next pieceBytes, if the socket needs them and has none.
func (w *slowWriter) seal() (err error) {
	s, b := w.socket, &w.batch
	if !s.sealed || len(b.records) > 0 {
		return nil
	}
	buf := slowBuffers.Get().(*[]byte)
	defer slowBuffers.Put(buf)
	out := b.bytes(*buf, w.format)
	b.plain = min(len(out), pieceBytes)
	b.records, err = seal(s, out[:b.plain], nil, b.closes && b.plain == len(out))
	return err
}

// writeSome blocks until the connection takes at least a part of the batch.
func (w *slowWriter) writeSome() (n int, err error) {
	s, b := w.socket, &w.batch
	if !s.nonblocking() {
		buf := slowBuffers.Get().(*[]byte)
		defer slowBuffers.Put(buf)
		out := b.bytes(*buf, w.format)
		return s.conn.Write(out[:min(len(out), pieceBytes)])
	}
	waited := rawConn(s.conn).Write(func(fd uintptr) bool {
		if s.sealed {
			n, err = tryWrite(fd, b.records)
			return !wouldBlock(err)
		}
		buf := slowBuffers.Get().(*[]byte)
		n, err = tryWrite(fd, b.bytes(*buf, w.format))
		slowBuffers.Put(buf)
		return !wouldBlock(err)
	})
	if waited != nil {
		return 0, waited
	}
	return n, err
}

// park is the timer's.
func (w *slowWriter) park() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.done {
		w.parked = true
		w.socket.outbox.SetParked(true)
	}
}

// unpark undoes park, or prevents it.
func (w *slowWriter) unpark() {
	if w.timer == nil {
		return
	}
	w.timer.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done = true; w.parked {
		w.socket.outbox.SetParked(false)
	}
}
