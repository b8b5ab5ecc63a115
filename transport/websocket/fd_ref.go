package websocket

import "sync/atomic"

// handle is a socket's descriptor for the workers, who write to it directly. To ask the connection for it each time (syscall.RawConn)
// takes a lock of the runtime and touches three more places in memory, which are cold when there are many sockets: 3 % of a delivery
// to one of 9,000 (bench/NOTES.md).
//
// A worker holds it while it writes. Whoever ends the socket meanwhile leaves the closing to that worker, so that nobody ever writes to
// a descriptor that is closed, and perhaps somebody else's by then.
type handle struct {
	state atomic.Uint32
	fd    int32 // fixed; 0 is none: the connection can only be written blocking
}

const (
	free   = iota
	held   // a worker may be writing
	doomed // the connection is closed, or will be by the worker that holds it
)

// hold keeps the descriptor open until drop. It fails if the socket has ended.
func (h *handle) hold() bool { return h.state.CompareAndSwap(free, held) }

// drop ends hold. It reports whether the caller has to close the connection now.
func (h *handle) drop() (close bool) { return !h.state.CompareAndSwap(held, free) }

// doom is called once, when the socket ends. It reports whether the caller has to close the connection; if not, who holds it will.
func (h *handle) doom() (close bool) { return h.state.Swap(doomed) == free }
