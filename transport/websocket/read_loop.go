package websocket

import (
	"bytes"
	"errors"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/lxzan/gws"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// events hands on what gws has read. gws calls it on the reader's goroutine.
type events struct{}

// OnOpen does nothing: the session was opened by Connect.
func (events) OnOpen(*gws.Conn) {}

// OnMessage hands on one message. The link copies it, so its buffer can go back to gws.
func (events) OnMessage(c *gws.Conn, m *gws.Message) {
	s := of(c)
	if s.records {
		s.record("received", outbox.Op(m.Opcode), m.Bytes())
	}
	s.link.Receive(m.Bytes(), m.Opcode == gws.OpcodeBinary)
	_ = m.Close()
}

// OnPing answers through the outbox, in order with everything else. If that is full the peer is not reading, and owed no pong.
func (events) OnPing(c *gws.Conn, payload []byte) { of(c).outbox.Reply(outbox.Pong, payload) }

// OnPong does nothing: that something was heard is known from Read.
func (events) OnPong(*gws.Conn, []byte) {}

// OnClose notes why gws stopped reading. What follows from it is decided when ReadLoop has returned.
func (events) OnClose(c *gws.Conn, err error) { of(c).ended = err }

func of(c *gws.Conn) *socket { return (*socket)(c.NetConn().(*stream)) }

// A socket whose client speaks has a goroutine that runs gws's ReadLoop, which needs 4 KiB of stack and 1.1 KiB of buffers. Once
// the client has been silent for restAfter, that one ends and the socket rests: in the lounge, or with a goroutine that only waits,
// in 2 KiB, where there is none. (Stacks shrink only when almost empty, so the same goroutine would keep what the last message
// needed.)
//
// To rest costs a goroutine at the next message; not to rest costs its stack, which a crowd that comes pays all at once: with 1 s instead
// of 250 ms each of 15,000 had 2.4 KB more in the end (bench/NOTES.md).
const restAfter = 250 * time.Millisecond

// read lets gws read until the client rests or the socket ends.
func (s *socket) read() {
	if s.closing.Load() == nil {
		end, rest := s.listen()
		if rest {
			s.rest()
			return
		}
		if end != nil {
			s.closeAfterAnswers(end)
		}
	}
	c := s.closing.Load()
	if c == nil || !isEnd(s.readAway()) || !s.halfClosed(c) {
		s.finish(protocol.Lost) // unless it was closing
	}
	s.server.leave()
}

// rest sees to it that somebody reads once there is something to read, or an end.
func (s *socket) rest() {
	_ = s.conn.SetReadDeadline(time.Time{})
	if !s.server.lounge.seat(s) {
		go s.await()
	}
}

func (s *socket) await() {
	_ = rawConn(s.conn).Read(readable)
	go s.read()
}

// listen runs gws. Afterwards the client rests, or the socket has to be closed as end says, or the peer is not there any more.
func (s *socket) listen() (end *closing, rest bool) {
	defer func() {
		if p := recover(); p != nil {
			s.server.config.Logger.Error("panic while reading from a socket", "panic", p, "stack", string(debug.Stack()))
			end = &closing{code: protocol.Internal.CloseCode(), reason: string(protocol.Internal), why: protocol.Internal}
			rest = false
		}
	}()
	s.verdict, s.ended = 0, nil
	c, err := s.upgrader.connection(s)
	if err != nil {
		panic(err) // its request is a constant, so it is a mistake of ours
	}
	c.ReadLoop()
	if s.ended == errRest {
		return nil, true
	}
	return s.conclude(), false
}

// conclude puts what the guard and gws found into a close frame.
func (s *socket) conclude() *closing {
	if s.fault != nil {
		return &closing{code: s.fault.code, reason: s.fault.detail, why: s.fault.reason}
	}
	var peer *gws.CloseError
	if errors.As(s.ended, &peer) {
		return s.answerClose(peer)
	}
	switch s.verdict {
	case 1002:
		return &closing{code: 1002, reason: "protocol error", why: protocol.Malformed}
	case 1007:
		return &closing{code: 1007, reason: "text is not UTF-8", why: protocol.Malformed}
	case 1009:
		return &closing{code: tooLarge.code, reason: tooLarge.detail, why: tooLarge.reason}
	case 1011: // gws's word for anything wrong with compressed data
		if s.ended.Error() == gws.ErrMessageTooLarge.Error() {
			return &closing{code: tooLarge.code, reason: tooLarge.detail, why: tooLarge.reason}
		}
		return &closing{code: 1007, reason: "compressed data cannot be read", why: protocol.Malformed}
	}
	if isEnd(s.ended) && !s.link.Resumable() { // events that a client may come back for must not be written to nobody
		return &closing{frameless: true, why: protocol.Lost}
	}
	return nil
}

// isEnd reports whether the peer has ended its side of the stream, rather than broken it: it may still read.
func isEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// answerClose answers a close frame in kind, unless gws found it bad.
func (s *socket) answerClose(peer *gws.CloseError) *closing {
	switch s.verdict {
	case 1002:
		return &closing{code: 1002, reason: "bad close frame", why: protocol.Malformed}
	case 1007:
		return &closing{code: 1007, reason: "close reason is not UTF-8", why: protocol.Malformed}
	case 0:
		return &closing{why: protocol.Disconnected}
	}
	return &closing{code: peer.Code, why: protocol.Disconnected}
}

var awayBuffers = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 32<<10)) }}

// readAway takes what a peer still sends to a closing socket, since unread bytes would turn our close into a reset that
// may overtake the close frame. A peer that goes on sending is slowed to about 300 KiB a second; finish ends it. The
// error is how the stream ended.
func (s *socket) readAway() error {
	const free = 768 << 10
	buf := awayBuffers.Get().(*bytes.Buffer)
	defer awayBuffers.Put(buf)
	_ = s.conn.SetReadDeadline(time.Time{})
	for total := 0; ; {
		n, err := s.conn.Read(buf.Bytes())
		if err != nil {
			return err
		}
		if total += n; total > free {
			time.Sleep(100 * time.Millisecond)
		}
	}
}
