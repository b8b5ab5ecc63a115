package websocket

import (
	"net"
	"sync/atomic"
	"syscall"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// What a socket needs of its connection; *actors.Link and *actors.Outbox fit.
type (
	link interface {
		Receive(data []byte, binary bool)
		Heard()
		Gone(why protocol.Reason)
	}
	outbox interface {
		Take(into []*actors.Frame, max int) []*actors.Frame
		Settle(frames []*actors.Frame, now int64) (freed int, more bool)
		Relieve(freed int)
		Backlog() *actors.Backlog
		Park()
		Unpark()
		Reply(op actors.Op, data []byte) bool
	}
)

var (
	_ actors.Wire = (*socket)(nil)
	_ link        = (*actors.Link)(nil)
	_ outbox      = (*actors.Outbox)(nil)
)

// socket is one client's connection: the actors' Wire on one side; its other side, a stream, is what gws reads from.
type socket struct {
	// Fixed before any goroutine but the upgrading one knows the socket.
	server   *Server
	conn     net.Conn
	raw      syscall.RawConn // for writing without blocking; nil if conn cannot do that (TLS, pipes)
	line     *line
	upgrader *upgrader
	link     link   // nil if the node refused the connection after the upgrade
	outbox   outbox // nil with link
	deflate  bool

	// Owned by the reader (see reader.go).
	guard   guard
	early   []byte // what net/http had read already
	fault   *fault // what the guard found; the frames in front of it are passed on first
	timing  bool   // the read deadline is that of an unfinished message
	timed   uint32 // which one (guard.started)
	verdict uint16 // the close code that gws would have sent
	ended   error  // what gws told OnClose

	// Owned by whoever writes: see turn.
	turn     turn
	tenant   *actors.Backlog // by which its row is known (see line); nil until something was written
	farewell atomic.Bool     // the close frame was written; nothing may follow
	next     *socket         // the line, guarded by its mutex

	// Anyone's.
	closing atomic.Pointer[closing] // set once, when the socket begins to end
	over    atomic.Bool             // the connection is closed and Gone was said
	seat    atomic.Int32            // the descriptor that it rests on, or did last
}
