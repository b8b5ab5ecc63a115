package websocket

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

const (
	// ParkAfter is how long a socket that is full keeps its part of the backlog that publishers feel. Peers that read are behind for
	// moments; whoever is behind for longer must not slow down the others.
	ParkAfter = 50 * time.Millisecond

	// pieceBytes is how much goes at once into a connection that can only be written blocking, and what a peer has to take within
	// Config.WriteTimeout.
	pieceBytes = 16 << 10
)

// carriers hold buffers for goroutines that write. They are held during a write only: a full socket holds none.
var carriers = sync.Pool{New: func() any { b := make([]byte, 0, takeBytes); return &b }}

// carry takes a turn of its own: it writes to a socket that was full, or that cannot be written without blocking, until nothing waits.
func (s *socket) carry(b batch) {
	defer s.server.leave()
	s.turn.take()
	parking := s.parkLater()
	err := s.drain(&b)
	parking.end()
	switch {
	case err == nil:
		s.release()
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.finish(protocol.Slow)
	default:
		s.finish(protocol.Lost)
	}
}

// drain writes the batch and everything behind it.
func (s *socket) drain(b *batch) error {
	st := style{s.window, s.server.config.CompressionThreshold}
	base := b.frames
	for {
		if len(b.frames) == 0 {
			clear(base)
			b.skip = 0
			if b.frames, b.last = s.upcoming(base[:0], s.piece()); len(b.frames) == 0 {
				if b.last {
					s.shut()
				}
				return s.conn.SetWriteDeadline(time.Time{})
			}
			base = b.frames
		}
		if err := s.progress(b, st); err != nil {
			return err
		}
		if len(b.frames) == 0 && b.last {
			s.shut()
		}
	}
}

func (s *socket) piece() int {
	if !s.direct() {
		return pieceBytes
	}
	return takeBytes
}

// progress writes at least pieceBytes, or the batch, within the write timeout.
func (s *socket) progress(b *batch, st style) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.server.config.WriteTimeout)); err != nil {
		return err
	}
	for moved := 0; moved < pieceBytes && len(b.frames) > 0; {
		n, err := s.push(b, st)
		moved += n
		if whole := b.advance(n, st); len(whole) > 0 && !b.last {
			freed, _ := s.outbox.AckAt(whole, time.Now().UnixNano())
			s.outbox.ReleaseCredit(freed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// push writes something, waiting until the connection takes it.
func (s *socket) push(b *batch, st style) (n int, err error) {
	if !s.direct() {
		buf := carriers.Get().(*[]byte)
		defer carriers.Put(buf)
		out := b.bytes(*buf, st)
		return s.conn.Write(out[:min(len(out), pieceBytes)])
	}
	waited := rawConn(s.conn).Write(func(fd uintptr) bool {
		buf := carriers.Get().(*[]byte)
		n, err = writeNow(fd, b.bytes(*buf, st))
		carriers.Put(buf)
		return !wouldBlock(err)
	})
	if waited != nil {
		return 0, waited
	}
	return n, err
}

// parking parks a socket's outbox when it has been carried for too long.
type parking struct {
	socket *socket
	timer  *time.Timer

	mu     sync.Mutex
	parked bool
	ended  bool
}

func (s *socket) parkLater() *parking {
	if s.outbox == nil {
		return nil
	}
	p := &parking{socket: s}
	p.timer = time.AfterFunc(ParkAfter, p.park)
	return p
}

func (p *parking) park() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.parked = true
		p.socket.outbox.Park()
	}
}

func (p *parking) end() {
	if p == nil {
		return
	}
	p.timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended = true; p.parked {
		p.socket.outbox.Unpark()
	}
}
