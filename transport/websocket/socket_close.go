package websocket

import (
	"crypto/tls"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// linger is how long the peer has, after our close frame, to read it and close its side.
const linger = time.Second

// opClose is the close frame's opcode. It never waits in an outbox.
const opClose outbox.Op = 8

// closing is how a socket ends: what came whole is answered and what waits is written, both within Config.CloseGrace,
// then comes the close frame, then the stream is half-closed and read away for up to linger. It makes the one timer
// that a socket ever has.
type closing struct {
	code      uint16 // 0 is a close frame without body
	reason    string
	why       protocol.Reason
	frameless bool // no close frame: the peer's side of the stream has ended without one

	mu         sync.Mutex
	timer      *time.Timer
	unanswered bool // the actor has not handled all that came before
	hurried    bool // the grace is over: the close frame is next, whatever waits
	ended      bool // the peer's side of the stream has ended: nobody reads any more
}

// Close implements outbox.Transport.
func (s *socket) Close(code uint16, reason string) {
	s.begin(&closing{code: code, reason: reason, why: protocol.Disconnected})
}

// Cut implements outbox.Transport.
func (s *socket) Cut() {
	if !s.over.Load() {
		go s.finish(protocol.Disconnected)
	}
}

// closeAfterAnswers is begin for an end by the client: what it said before is answered first. The actor's mailbox keeps
// the order, so a handler that hangs, or more messages than can be handled in time, keep the socket for no longer than
// the grace.
func (s *socket) closeAfterAnswers(c *closing) {
	c.unanswered = true
	if s.begin(c); s.closing.Load() == c {
		s.link.Finish(c.why, func() { s.answered(c) })
	}
}

// answered says that what the client said is answered, as far as it ever will be.
func (s *socket) answered(c *closing) {
	c.mu.Lock()
	c.unanswered = false
	c.mu.Unlock()
	s.Wake()
}

// halfClosed notes that the peer's side of the stream has ended. It reports whether the close frame was not written by
// then: in that case its writer finishes the socket.
func (s *socket) halfClosed(c *closing) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	return !s.farewell.Load()
}

// begin starts the end; only the first call counts.
func (s *socket) begin(c *closing) {
	c.mu.Lock() // whoever finds c waits for its timer
	first := s.closing.CompareAndSwap(nil, c)
	if first {
		c.timer = time.AfterFunc(s.server.config.CloseGrace, func() { s.expire(c) })
	}
	c.mu.Unlock()
	if first {
		s.Wake()
	}
}

// expire is the timer's: first the grace ends, then the patience with a peer that neither reads nor closes.
func (s *socket) expire(c *closing) {
	c.mu.Lock()
	if hurry := !c.hurried && !c.frameless && !s.farewell.Load(); hurry {
		c.hurried = true
		c.timer.Reset(linger)
		c.mu.Unlock()
		s.Wake()
		return
	}
	c.mu.Unlock()
	s.finish(c.why)
}

// stage tells how far the end has come: due says that the close frame comes behind what waits, hurried that it comes
// now. A nil closing is none of them.
func (c *closing) stage() (due, hurried bool) {
	if c == nil {
		return false, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.unanswered, c.hurried
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

// shut follows the close frame: the peer sees the end of the stream and has linger to end its own, if it has not yet.
func (s *socket) shut() {
	s.farewell.Store(true)
	if half, ok := s.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	c := s.closing.Load()
	c.mu.Lock()
	c.timer.Reset(linger)
	ended := c.ended
	c.mu.Unlock()
	if ended {
		s.finishSoon(c.why)
	}
}

// finishSoon is finish for a writer, which must not wait.
func (s *socket) finishSoon(why protocol.Reason) {
	s.server.enter()
	go func() {
		defer s.server.leave()
		s.finish(why)
	}()
}

// finish is the end. The first cause of several is the one that is told.
func (s *socket) finish(why protocol.Reason) {
	if !s.over.CompareAndSwap(false, true) {
		return
	}
	s.server.lounge.wake(s) // while the descriptor by which it is found there is still its own
	if s.handle.doom() {
		hardClose(s)
	}
	if c := s.closing.Load(); c != nil {
		why = c.why
		c.mu.Lock()
		c.timer.Stop()
		c.mu.Unlock()
	}
	if s.link != nil {
		s.link.Gone(why)
	}
	s.server.open.Add(-1)
	s.server.leave()
}

// hardClose closes without a word; a TLS connection would wait up to 5 s to say that it goes.
func hardClose(s *socket) {
	if secure, ok := s.conn.(*tls.Conn); ok {
		_ = secure.NetConn().Close()
		return
	}
	_ = s.conn.Close()
}
