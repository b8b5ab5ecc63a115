//go:build !linux

package websocket

// idlePoller parks no sockets here: each silent client has a goroutine that waits.
type idlePoller struct{}

func (*idlePoller) close()            {}
func (*idlePoller) park(*socket) bool { return false }
func (*idlePoller) unpark(*socket)    {}
