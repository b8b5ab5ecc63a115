package websocket

import (
	"net"
	"sync/atomic"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// What a socket needs of its connection; *actors.Link and *outbox.Outbox fit.
type (
	link interface {
		Receive(data []byte, binary bool)
		Heard()
		Finish(why protocol.Reason, then func())
		Resumable() bool
		Gone(why protocol.Reason)
	}
	frameSource interface {
		Take(into []*outbox.Frame, max int) []*outbox.Frame
		AckAt(frames []*outbox.Frame, now int64) (freed int, more bool)
		ReleaseCredit(freed int)
		Backpressure() *outbox.Backpressure
		Park()
		Unpark()
		Reply(op outbox.Op, data []byte) bool
	}
)

var (
	_ outbox.Transport = (*socket)(nil)
	_ link             = (*actors.Link)(nil)
	_ frameSource      = (*outbox.Outbox)(nil)
)

// socket is one client's connection: the actors' Wire on one side; its other side, a stream, is what gws reads from.
//
// What a delivery needs stands first, in 64 bytes: one place of memory, which is cold for each of many sockets.
type socket struct {
	turn     turn
	handle   handle
	over     atomic.Bool             // the connection is closed, or about to be, and Gone was said
	farewell atomic.Bool             // the close frame was written; nothing may follow. Owned by whoever writes: see turn.
	window   window                  // fixed before a goroutine but the upgrading one knows the socket, as are the next three
	records  bool                    // each message gets a line in the log
	line     *line                   // where it stands when its turn is due
	outbox   frameSource             // nil with link
	tenant   *outbox.Backpressure    // by which its row is known (see line); nil until something was written. Owned by whoever writes.
	closing  atomic.Pointer[closing] // set once, when the socket begins to end

	// Fixed like those above.
	server   *Server
	conn     net.Conn
	upgrader *upgrader
	link     link // nil if the node refused the connection after the upgrade

	// Owned by the reader (see reader.go).
	timing  bool   // the read deadline is that of an unfinished message
	verdict uint16 // the close code that gws would have sent
	timed   uint32 // which message timing is about (guard.started)
	guard   guard
	early   []byte // what net/http had read already
	fault   *fault // what the guard found; the frames in front of it are passed on first
	ended   error  // what gws told OnClose

	_ [16]byte // 256 in all: they are allocated side by side, and none shares its first 64 with another
}

// direct reports whether the socket can be written to without blocking.
func (s *socket) direct() bool { return s.handle.fd != 0 }
