package websocket

import (
	"errors"
	"net"
	"os"
	"time"
)

// stream is the socket as gws sees it: a net.Conn to read from, through which nothing can be written, timed or closed.
type stream socket

var _ net.Conn = (*stream)(nil)

var (
	errFault   = errors.New("the client broke the protocol")
	errClosing = errors.New("the socket is closing")
	errRest    = errors.New("the client is silent")
)

// Read gives gws what the guard lets through.
func (t *stream) Read(p []byte) (int, error) {
	s := (*socket)(t)
	if s.fault != nil {
		return 0, errFault
	}
	s.patience()
	n, err := s.receive(p)
	if s.closing.Load() != nil {
		return 0, errClosing
	}
	if n > 0 {
		s.link.Heard()
		if n, s.fault = s.guard.scan(p[:n]); s.fault != nil && n == 0 {
			return 0, errFault
		}
	}
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		if !s.guard.midway() {
			return 0, errRest
		}
		s.fault = unfinished
	}
	return n, err
}

// Write takes what gws would have sent: its answer to the handshake, which was given already, and a close frame, of which the code
// is noted. gws is asked to write nothing else.
func (t *stream) Write(p []byte) (int, error) {
	if len(p) >= 4 && p[0] == 0x88 {
		t.verdict = uint16(p[2])<<8 | uint16(p[3])
	}
	return len(p), nil
}

// Close does nothing: gws closes without lingering. The reader ends the socket when ReadLoop has returned.
func (t *stream) Close() error { return nil }

// LocalAddr is the connection's.
func (t *stream) LocalAddr() net.Addr { return t.conn.LocalAddr() }

// RemoteAddr is the connection's.
func (t *stream) RemoteAddr() net.Addr { return t.conn.RemoteAddr() }

// SetDeadline does nothing: deadlines are not gws's.
func (t *stream) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (t *stream) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (t *stream) SetWriteDeadline(time.Time) error { return nil }

func (s *socket) receive(p []byte) (int, error) {
	if s.early == nil {
		return s.conn.Read(p)
	}
	n := copy(p, s.early)
	if s.early = s.early[n:]; len(s.early) == 0 {
		s.early = nil
	}
	return n, nil
}

// patience sets how long the next read may take: a message that is unfinished has to be finished in time, each in its own; a socket
// that is silent at the end of one goes to rest.
func (s *socket) patience() {
	switch {
	case s.guard.midway():
		if !s.timing || s.timed != s.guard.started {
			s.timing, s.timed = true, s.guard.started
			_ = s.conn.SetReadDeadline(time.Now().Add(s.server.config.MessageTimeout))
		}
	case s.direct():
		s.timing = false
		_ = s.conn.SetReadDeadline(time.Now().Add(s.server.rest))
	case s.timing:
		s.timing = false
		_ = s.conn.SetReadDeadline(time.Time{})
	}
}
