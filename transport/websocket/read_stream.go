package websocket

import (
	"errors"
	"net"
	"os"
	"time"
)

// stream is the socket as gws sees it: a net.Conn to read from, through which gws can write, time and close nothing.
type stream socket

var _ net.Conn = (*stream)(nil)

// Read returns these errors to gws, beside those of the connection.
var (
	errFault   = errors.New("the client broke the protocol")
	errClosing = errors.New("the socket is closing")
	errIdle    = errors.New("the client is silent")
)

// Read gives gws what the guard lets through. It blocks for as long as armDeadline allows.
func (t *stream) Read(p []byte) (int, error) {
	if t.fault != nil {
		return 0, errFault
	}
	t.armDeadline()
	n, err := t.receive(p)
	if t.closing.Load() != nil {
		return 0, errClosing
	}
	if n > 0 {
		t.link.Heard()
		if n, t.fault = t.guard.scan(p[:n]); t.fault != nil && n == 0 {
			return 0, errFault
		}
	}
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		if !t.guard.midway() {
			return 0, errIdle
		}
		t.fault = unfinished
	}
	return n, err
}

// Write drops what gws would have sent: its answer to the handshake, which the client has already, and a close frame,
// of which it notes the code. gws is asked to write nothing else.
func (t *stream) Write(p []byte) (int, error) {
	if len(p) >= 4 && p[0] == 0x88 {
		t.gwsCode = uint16(p[2])<<8 | uint16(p[3])
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

// receive reads what was read already, then from the connection.
func (t *stream) receive(p []byte) (int, error) {
	if t.buffered == nil {
		return t.conn.Read(p)
	}
	n := copy(p, t.buffered)
	if t.buffered = t.buffered[n:]; len(t.buffered) == 0 {
		t.buffered = nil
	}
	return n, nil
}

// armDeadline sets how long the next read may take. An unfinished message has Config.MessageTimeout from its start;
// after the end of one the client may be silent for Server.idleAfter before the socket is parked.
func (t *stream) armDeadline() {
	switch {
	case t.guard.midway():
		if !t.timingMessage || t.timedMessage != t.guard.messages {
			t.timingMessage, t.timedMessage = true, t.guard.messages
			_ = t.conn.SetReadDeadline(time.Now().Add(t.server.config.MessageTimeout))
		}
	case (*socket)(t).nonblocking():
		t.timingMessage = false
		_ = t.conn.SetReadDeadline(time.Now().Add(t.server.idleAfter))
	case t.timingMessage:
		t.timingMessage = false
		_ = t.conn.SetReadDeadline(time.Time{})
	}
}
