package websocket

import (
	"crypto/tls"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
)

// lingerTimeout is how long the peer has, after our close frame, to read it and close its side.
const lingerTimeout = time.Second

// opClose is the close frame's opcode. It never waits in an outbox.
const opClose outbox.Op = 8

// closing is how a socket closes. Whole messages that came are answered and frames that wait are written, both within
// Config.CloseGrace. Then comes the close frame, then the stream is half-closed and read away for up to lingerTimeout.
// It makes the one timer that a socket ever has.
type closing struct {
	code    uint16 // 0 is a close frame without body
	reason  string
	cause   protocol.Reason // for the link
	note    recorder.Close  // for the link, of a socket that its client ends
	noFrame bool            // no close frame: the peer has ended its side of the stream without one

	mu         sync.Mutex
	timer      *time.Timer
	unanswered bool // the actor has not handled all that came before
	graceOver  bool // the close frame is next, whatever waits
	peerEnded  bool // the peer has ended its side of the stream, and no reader runs any more
}

// Close implements outbox.Transport. It does not block.
func (s *socket) Close(code uint16, reason string) {
	s.startClosing(&closing{code: code, reason: reason, cause: protocol.Disconnected})
}

// Cut implements outbox.Transport. It does not block.
func (s *socket) Cut() {
	if !s.ended.Load() {
		go s.finish(protocol.Disconnected)
	}
}

// closeAfterAnswers closes a socket that the client ends: what it said before is answered first. The actor's mailbox
// keeps the order, so a handler that hangs, or more messages than can be handled in time, keep the socket for no longer
// than the grace.
func (s *socket) closeAfterAnswers(c *closing) {
	c.unanswered = true
	s.link.Note(c.note)
	if s.startClosing(c); s.closing.Load() == c {
		s.link.Finish(c.cause, func() { s.noteAnswered(c) })
	}
}

// noteAnswered notes that the client's messages are answered, as far as they ever will be.
func (s *socket) noteAnswered(c *closing) {
	c.mu.Lock()
	c.unanswered = false
	c.mu.Unlock()
	s.Wake()
}

// noteEOF notes that the peer has ended its side of the stream. It reports whether the close frame is still to be
// written; if so, its writer finishes the socket.
func (s *socket) noteEOF(c *closing) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peerEnded = true
	return !s.closeSent.Load()
}

// startClosing begins to close the socket; only the first call counts.
func (s *socket) startClosing(c *closing) {
	c.mu.Lock() // until c has its timer
	first := s.closing.CompareAndSwap(nil, c)
	if first {
		c.timer = time.AfterFunc(s.server.config.CloseGrace, func() { s.onCloseTimer(c) })
	}
	c.mu.Unlock()
	if first {
		s.Wake()
	}
}

// onCloseTimer ends the grace at first, and then the socket of a peer that neither reads nor closes.
func (s *socket) onCloseTimer(c *closing) {
	c.mu.Lock()
	if hurry := !c.graceOver && !c.noFrame && !s.closeSent.Load(); hurry {
		c.graceOver = true
		c.timer.Reset(lingerTimeout)
		c.mu.Unlock()
		s.Wake()
		return
	}
	c.mu.Unlock()
	s.finish(c.cause)
}

// stage tells when the close frame comes: due says after what waits, now at once. A nil closing has neither.
func (c *closing) stage() (due, now bool) {
	if c == nil {
		return false, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.unanswered, c.graceOver
}

// frame is the close frame.
func (c *closing) frame() *outbox.Frame {
	if c.code == 0 || c.code == 1005 {
		return &outbox.Frame{Op: opClose}
	}
	reason := strings.ToValidUTF8(c.reason, "?")
	for len(reason) > 123 {
		_, size := utf8.DecodeLastRuneInString(reason)
		reason = reason[:len(reason)-size]
	}
	return &outbox.Frame{Op: opClose, Data: append([]byte{byte(c.code >> 8), byte(c.code)}, reason...)}
}

// halfClose follows the close frame: the peer sees the end of the stream and has lingerTimeout to end its own side, if
// it has not done so yet.
func (s *socket) halfClose() {
	s.closeSent.Store(true)
	if half, ok := s.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	c := s.closing.Load()
	c.mu.Lock()
	c.timer.Reset(lingerTimeout)
	peerEnded := c.peerEnded
	c.mu.Unlock()
	if peerEnded {
		s.finishAsync(c.cause)
	}
}

// finishAsync is finish for a writer, which must not block.
func (s *socket) finishAsync(cause protocol.Reason) {
	s.server.addLive()
	go func() {
		defer s.server.doneLive()
		s.finish(cause)
	}()
}

// finish ends the socket, and may block. The link hears the first of several causes.
func (s *socket) finish(cause protocol.Reason) {
	if !s.ended.CompareAndSwap(false, true) {
		return
	}
	s.server.idle.unpark(s) // while the descriptor, by which it is found there, is still its own
	if s.fd.close() {
		hardClose(s)
	}
	if c := s.closing.Load(); c != nil {
		cause = c.cause
		c.mu.Lock()
		c.timer.Stop()
		c.mu.Unlock()
	}
	if s.link != nil {
		s.link.Gone(cause)
	}
	s.server.socketCount.Add(-1)
	s.server.doneLive()
}

// hardClose closes the connection at once. A TLS connection would take up to 5 s to say goodbye.
func hardClose(s *socket) {
	conn := s.conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	_ = conn.Close()
}
