package fastpath

import (
	"bytes"
	"log"
	"net/http"
	"runtime/debug"
	"sync"
)

// headBuffer is as large as net/http's read buffer.
type headBuffer [4 << 10]byte

var headBuffers = sync.Pool{New: func() any { return new(headBuffer) }}

// serveAtOnce answers a connection whose only request has arrived as a whole, on a goroutine of its own, and reports
// whether it does. A backend that connects for each publish sends the request with the end of the handshake. net/http
// takes 10 us of processor time for such a connection that it serves no request on, and grows a stack (bench/NOTES.md).
func (c *fastConn) serveAtOnce() bool {
	buffer := headBuffers.Get().(*headBuffer)
	text := buffer[:readWaiting(c.Conn, buffer[:])]
	h, ok := parseHead(text, c.listener.cfg.Routes)
	if !ok || !h.last || len(text) != h.size+h.contentLength {
		if len(text) > 0 {
			c.early = bytes.Clone(text)
		}
		headBuffers.Put(buffer)
		return false
	}
	c.report(http.StateNew)
	c.listener.single.Go(func() {
		growStack()
		c.serveSingle(&h, text)
		headBuffers.Put(buffer)
	})
	return true
}

// serveSingle answers the only request of a connection as net/http's goroutine does: a panic ends the connection alone.
func (c *fastConn) serveSingle(h *requestHead, text []byte) {
	defer c.report(http.StateClosed)
	defer func() {
		if cause := recover(); cause != nil && cause != http.ErrAbortHandler {
			c.logf("http: panic serving %v: %v\n%s", c.RemoteAddr(), cause, debug.Stack())
		}
	}()
	_, _ = c.serve(h, text)
}

// report tells the server's hook of a state that net/http does not see.
func (c *fastConn) report(state http.ConnState) {
	if hook := c.listener.server.ConnState; hook != nil {
		hook(c, state)
	}
}

func (c *fastConn) logf(format string, args ...any) {
	if to := c.listener.server.ErrorLog; to != nil {
		to.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}

// cut ends the connection in mid response.
func (c *fastConn) cut() { _ = c.Conn.Close() }

// growStack grows the stack of a new goroutine while it is shallow: a publish needs some 8 KiB, and grown on the way,
// each frame down to there would have to be found and adjusted.
//
//go:noinline
func growStack() byte {
	var room [8 << 10]byte
	return room[middle(room[:])]
}

// middle keeps the compiler from leaving the array out.
//
//go:noinline
func middle(room []byte) int { return len(room) / 2 }
