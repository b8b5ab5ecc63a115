package websocket

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/lxzan/gws"

	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
)

// idleAfter is how long a client may be silent before its socket is parked.
//
// While a client speaks, its socket has a goroutine that runs gws's ReadLoop, which needs 4 KiB of stack and 1.1 KiB of
// buffers. Parking ends this goroutine: the socket waits in the idlePoller or, where there is none, with a goroutine
// that only waits, in 2 KiB. (Stacks shrink only when almost empty, so the same goroutine would keep what the last
// message needed.)
//
// Parking costs a goroutine at the next message. Not parking costs the stack, which many clients that connect together
// cost all at once: with 1 s instead of 250 ms each of 15,000 had 2.4 KB more in the end (bench/NOTES.md).
const idleAfter = 250 * time.Millisecond

// startReading starts the reader of a socket whose link is set.
func (s *socket) startReading() {
	s.server.addLive()                                     // read calls doneLive
	if !s.nonblocking() || s.sealed || s.buffered != nil { // crypto/tls may have read more than net/http wanted
		go s.read()
	} else {
		s.park()
	}
}

// read runs gws until the client is silent or the socket ends.
func (s *socket) read() {
	if s.closing.Load() == nil {
		read := (*socket).runGWS
		if s.stream != nil {
			read = awaitStreamEnd
		}
		c, silent := read(s)
		if silent {
			s.park()
			return
		}
		if c != nil {
			s.closeAfterAnswers(c)
		} else {
			s.link.Note(brokeOff(s.gwsErr))
		}
	}
	c := s.closing.Load()
	if c == nil || !isEOF(s.discardInput()) || !s.noteEOF(c) {
		s.finish(protocol.Lost) // unless it was closing
	}
	s.server.doneLive()
}

// park has the socket wait, without this goroutine, until there is something to read or the socket ends.
func (s *socket) park() {
	_ = s.conn.SetReadDeadline(time.Time{})
	if s.sealed {
		freeBuffers(s.conn.(*tls.Conn))
	}
	if !s.server.idle.park(s) {
		go s.awaitReadable()
	}
}

// awaitReadable waits in the place of the idlePoller.
func (s *socket) awaitReadable() {
	_ = rawConn(s.conn).Read(canRead)
	go s.read()
}

// runGWS blocks while gws reads. Then the client is silent, or the socket has to close as c says, or the peer is gone.
func (s *socket) runGWS() (c *closing, silent bool) {
	defer func() {
		if p := recover(); p != nil {
			log := s.server.config.Logger
			log.Error("panic while reading from a socket", "panic", p, "stack", string(debug.Stack()))
			const cause = protocol.Internal
			c, silent = byServer(cause.CloseCode(), string(cause), cause), false
		}
	}()
	s.gwsCode, s.gwsErr = 0, nil
	conn, err := s.upgrader.newConn(s)
	if err != nil {
		panic(err) // its request is a constant, so it is a mistake of ours
	}
	conn.ReadLoop()
	if s.gwsErr == errIdle {
		return nil, true
	}
	return s.closingAfterGWS(), false
}

// closingAfterGWS turns what the guard and gws found into a close frame; nil if the peer is gone.
func (s *socket) closingAfterGWS() *closing {
	if s.fault != nil {
		return byServer(s.fault.code, s.fault.detail, s.fault.reason)
	}
	var peer *gws.CloseError
	if errors.As(s.gwsErr, &peer) {
		return s.answerClose(peer)
	}
	switch s.gwsCode {
	case 1002:
		return byServer(1002, "protocol error", protocol.Malformed)
	case 1007:
		return byServer(1007, "text is not UTF-8", protocol.Malformed)
	case 1009:
		return byServer(tooLarge.code, tooLarge.detail, tooLarge.reason)
	case 1011: // gws's code for anything wrong with compressed data
		if s.gwsErr.Error() == gws.ErrMessageTooLarge.Error() {
			return byServer(tooLarge.code, tooLarge.detail, tooLarge.reason)
		}
		return byServer(1007, "compressed data cannot be read", protocol.Malformed)
	}
	if isEOF(s.gwsErr) && !s.link.Resumable() { // a client that may resume gets its events later: write none to it now
		return &closing{noFrame: true, cause: protocol.Lost, note: brokeOff(s.gwsErr)}
	}
	return nil
}

// isEOF reports whether the peer has ended its side of the stream, rather than broken it: it may still read.
func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// answerClose answers a close frame in kind, unless gws found it bad.
func (s *socket) answerClose(peer *gws.CloseError) *closing {
	switch s.gwsCode {
	case 1002:
		return byServer(1002, "bad close frame", protocol.Malformed)
	case 1007:
		return byServer(1007, "close reason is not UTF-8", protocol.Malformed)
	case 0:
		return &closing{cause: protocol.Disconnected, note: byClient(recorder.NoCode, "")}
	}
	return &closing{code: peer.Code, cause: protocol.Disconnected, note: byClient(peer.Code, string(peer.Reason))}
}

var discardBuffers = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 32<<10)) }}

// discardInput reads away what a peer still sends to a closing socket: unread bytes would turn our close into a reset,
// which may overtake the close frame. It slows a peer that goes on sending to about 300 KiB a second, and returns when
// finish closes the connection at the latest. The error is how the stream ended.
func (s *socket) discardInput() error {
	const unslowed = 768 << 10
	buf := discardBuffers.Get().(*bytes.Buffer)
	defer discardBuffers.Put(buf)
	_ = s.conn.SetReadDeadline(time.Time{})
	for total := 0; ; {
		n, err := s.conn.Read(buf.Bytes())
		if err != nil {
			return err
		}
		if total += n; total > unslowed {
			time.Sleep(100 * time.Millisecond)
		}
	}
}
