package websocket

import "sync/atomic"

// fdRef is a reference to a socket's file descriptor, by which writers write to it directly. Asking the connection for
// it each time (syscall.RawConn) takes a lock of the runtime and touches three more places in memory, which are cold
// when there are many sockets: 3 % of a delivery to one of 9,000 (bench/NOTES.md).
//
// A writer acquires it while it writes. If the socket ends meanwhile, that writer closes the connection, so that no
// writer ever writes to a descriptor that is closed, and perhaps another connection's by then.
type fdRef struct {
	state  atomic.Uint32
	number int32 // fixed; 0 is none: the connection can only be written blocking
}

const (
	fdFree   = iota
	fdHeld   // a writer may be writing
	fdClosed // the connection is closed, or the writer that holds the descriptor will close it
)

// acquire keeps the descriptor open until release. It fails if the socket has ended.
func (f *fdRef) acquire() bool { return f.state.CompareAndSwap(fdFree, fdHeld) }

// release undoes acquire. It reports whether the caller has to close the connection now.
func (f *fdRef) release() (closeNow bool) { return !f.state.CompareAndSwap(fdHeld, fdFree) }

// close is called once, when the socket ends. It reports whether the caller has to close the connection; if not, the
// writer that holds the descriptor will.
func (f *fdRef) close() (closeNow bool) { return f.state.Swap(fdClosed) == fdFree }
