package websocket

import (
	"net"
	"sync/atomic"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
)

// A socket needs these of its connection; *actors.Link and *outbox.Outbox fit.
type (
	link interface {
		Receive(data []byte, binary bool)
		Heard()
		Finish(reason protocol.Reason, then func())
		Resumable() bool
		Note(e recorder.Close)
		Gone(reason protocol.Reason)
	}
	frameSource interface {
		Take(into []*outbox.Frame, max int) []*outbox.Frame
		Ack(frames []*outbox.Frame, now int64) (freed int, more bool)
		Backpressure() *outbox.Backpressure
		SetParked(parked bool)
		SendControl(op outbox.Op, data []byte, behind bool) int
		Charge(n int) bool
	}
)

var (
	_ outbox.Transport = (*socket)(nil)
	_ link             = (*actors.Conn)(nil)
	_ frameSource      = (*outbox.Outbox)(nil)
)

// socket is one client's connection. It is the Transport of its outbox, and gws reads from it through a stream.
//
// A delivery needs the fields of the first 64 bytes alone: one cache line, which is cold for each of many sockets.
type socket struct {
	state     writeState
	fd        fdRef
	ended     atomic.Bool             // the connection is closed, or about to be, and the link has heard Gone
	closeSent atomic.Bool             // the close frame was written; nothing may follow. Owned by the holder of state
	window    window                  // fixed before a second goroutine sees the socket, as are the next three
	logged    bool                    // each message gets a line in the log
	sealed    bool                    // it has records: what is written to it is encrypted before
	queue     *readyQueue             // holds the socket while it is scheduled
	outbox    frameSource             // nil with link
	tenant    *outbox.Backpressure    // for the queue; nil until a frame was written. Owned by the holder of state
	closing   atomic.Pointer[closing] // set once, when the socket begins to close

	// Fixed like those above.
	server   *Server
	conn     net.Conn
	records  *recordConn // nil without TLS
	upgrader *upgrader
	link     link // nil if the node refused the connection after the upgrade

	// Owned by the reader (see socket_read.go).
	timingMessage bool   // the read deadline is that of an unfinished message
	gwsCode       uint16 // the close code that gws would have sent
	timedMessage  uint32 // the message that timingMessage is about (guard.messages)
	guard         guard
	buffered      []byte // what net/http or the idlePoller had read already; nil once gws has it
	fault         *fault // the guard's verdict; gws still gets the frames before it
	gwsErr        error  // what gws told OnClose

	stream *eventStream // nil for a WebSocket; fixed like conn

	// It is 256 bytes in all: sockets are allocated side by side, and none shares its first 64 bytes with another.
}

// newSocket makes a socket that no other goroutine knows yet.
func newSocket(s *Server, conn net.Conn, buffered []byte, r *route, w window) *socket {
	tuneTCP(conn)
	k := &socket{server: s, conn: conn, fd: fdRef{number: fdOf(conn)}, queue: s.nextQueue(), upgrader: r.upgrader,
		window: w, logged: s.logged}
	if k.records = recordsOf(conn); k.records != nil && k.nonblocking() {
		k.sealed = true
	}
	k.guard.limits, k.guard.deflate = r.limits, w != noWindow
	if len(buffered) > 0 {
		k.buffered = buffered
	}
	return k
}

// nonblocking reports whether the socket can be written to without blocking.
func (s *socket) nonblocking() bool { return s.fd.number != 0 }

// Wake implements outbox.Transport. It does not block.
func (s *socket) Wake() {
	if s.state.schedule() {
		s.dispatch()
	}
}

// dispatch finds a writer for a socket that is scheduled.
func (s *socket) dispatch() {
	if s.nonblocking() {
		s.queue.enqueue(s)
		return
	}
	startSlowWriter(s, batch{})
}

// writeDone gives up the right to write.
func (s *socket) writeDone() {
	if s.state.release() {
		s.dispatch()
	}
}

// nextFrames appends the frames to write next: those that wait, up to max bytes, or the close frame if none waits.
// closes reports that nothing follows; without a frame it means an end without a close frame.
func (s *socket) nextFrames(into []*outbox.Frame, max int) (frames []*outbox.Frame, closes bool) {
	if s.closeSent.Load() || s.ended.Load() {
		return into, false
	}
	c := s.closing.Load()
	due, now := c.stage() // before the outbox is read: what was offered until then goes before the close frame
	if s.outbox != nil && !now {
		if frames = s.outbox.Take(into, max); len(frames) > len(into) {
			if s.logged {
				logSent(s, frames[len(into):])
			}
			rewrite(s, frames[len(into):])
			return frames, false
		}
	}
	switch {
	case !due && !now: // whatever changes that wakes the socket
		return into, false
	case c.noFrame:
		return into, true
	}
	return append(into, c.frame()), true
}
