package websocket

import (
	"errors"
	"os"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// This file makes sockets of another kind: event streams, which are the body of an HTTP response that does not end
// (WHATWG HTML, section 9.2). They have the outboxes, writers, limits and the end of WebSockets, cost as little, and
// differ in these: a frame is its bytes without a header, a ping is a comment, a close frame a comment with its reason,
// and the client says nothing any more.

// StreamSession is the session of an event stream. Its first Send is the head of the HTTP response (RFC 9112), or all
// of a response that refuses; the rest is the body. Receive is never called.
type StreamSession interface {
	protocol.Session
	// Authorize refuses what the client asks for by its identity, while that can be an HTTP status.
	Authorize(*protocol.Identity) *protocol.Refusal
	// Rewriter returns what is written in the place of each frame, if the bytes of events are not the same for all; nil
	// to write them as they are. One goroutine at a time calls it, while others call the session's methods.
	Rewriter() func(data []byte) []byte
}

// eventStream is what a socket has beside the rest if it is an event stream.
type eventStream struct{ rewrite func(data []byte) []byte }

// streamed is what a frame of an event stream is on the wire.
func streamed(f *outbox.Frame) []byte {
	switch f.Op {
	case outbox.Ping:
		return []byte(":\n\n")
	case opClose:
		if len(f.Data) <= 2 {
			return nil
		}
		return append(append([]byte(": "), f.Data[2:]...), "\n\n"...)
	}
	return f.Data
}

// rewrite puts others in the place of frames that were just taken. The outbox hears at once that these have left, since
// it counts their bytes: at most takeBytes of a stream count nowhere.
func rewrite(s *socket, taken []*outbox.Frame) {
	if s.window != unframed || s.stream.rewrite == nil { // of other sockets, stream is cold memory
		return
	}
	freed, _ := s.outbox.Ack(taken, time.Now().UnixNano())
	s.outbox.Backpressure().Add(-freed)
	for i, f := range taken {
		taken[i] = &outbox.Frame{Op: f.Op, Data: s.stream.rewrite(f.Data)}
	}
}

// acknowledge tells the outbox which frames were written; see outbox.Ack.
func acknowledge(s *socket, frames []*outbox.Frame, now int64) (freed int, more bool) {
	if s.window == unframed && s.stream.rewrite != nil {
		frames = nil // see rewrite
	}
	return s.outbox.Ack(frames, now)
}

// refuseStream answers a client whose connection the node refused.
func refuseStream(s *socket, session protocol.Session, refusal *protocol.Refusal) {
	_ = s.conn.SetWriteDeadline(time.Now().Add(s.server.config.WriteTimeout))
	for _, command := range session.OnReject(time.Now(), refusal, true) {
		if send, ok := command.(protocol.Send); ok {
			_, _ = s.conn.Write(send.Text)
		}
	}
	s.startClosing(&closing{noFrame: true, cause: refusal.Reason})
}

// awaitStreamEnd blocks until the client ends its side of the stream, or says what it must not. Like runGWS it reports
// when the client is silent, so that nothing has to wait for it.
func awaitStreamEnd(s *socket) (c *closing, silent bool) {
	_ = s.conn.SetReadDeadline(time.Now().Add(s.server.idleAfter))
	var said [1]byte
	n := len(s.buffered)
	s.buffered = nil
	var err error
	if n == 0 {
		n, err = s.conn.Read(said[:])
	}
	switch {
	case n > 0:
		return &closing{noFrame: true, cause: protocol.Malformed}, false
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, true
	case isEOF(err):
		return &closing{noFrame: true, cause: protocol.Disconnected}, false
	}
	return nil, false
}
