package api

import (
	"io"
	"net"
	"sync/atomic"
	"time"
)

// direct is a connection that takes the shortcut as long as it can. net/http reads from it, and gets the first thing that
// is not for the shortcut.
type direct struct {
	net.Conn
	shortcut *shortcut

	// Owned by who reads.
	past  bool  // all that comes is net/http's
	ride  *ride // nil before the first publish, and when past
	blank int   // bytes of line breaks that were passed over since the last publish

	state atomic.Int32
}

// What a direct connection is doing, for who closes it.
const (
	resting   = iota // nothing, or what net/http does
	answering        // a publish
	leaving          // a publish, and then it closes
)

// NetConn is the connection as it was accepted.
func (c *direct) NetConn() net.Conn { return c.Conn }

// CloseWrite closes the half that net/http closes before it waits for a client's last bytes.
func (c *direct) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close implements net.Conn. A publish is answered first.
func (c *direct) Close() error {
	if c.state.CompareAndSwap(answering, leaving) || c.state.Load() == leaving {
		return nil
	}
	return c.Conn.Close()
}

// Read implements net.Conn: it answers publishes until something else comes, and returns that. Requests are read into p,
// which is net/http's buffer, so that a connection that rests has none of its own.
func (c *direct) Read(p []byte) (int, error) {
	if c.past {
		return c.Conn.Read(p)
	}
	for {
		n, err := c.Conn.Read(p)
		if err != nil || n == 0 {
			c.forget()
			return n, err
		}
		for rest := c.pastBlank(p[:n]); len(rest) > 0; rest = c.pastBlank(rest) {
			h, ok := readHead(rest, c.shortcut.doors)
			if !ok {
				return c.handOver(p, rest), nil
			}
			if rest, err = c.answer(&h, rest); err != nil {
				return 0, err
			}
		}
	}
}

// maxBlank is how many bytes of line breaks may stand between two requests, as many as net/http takes after a POST.
const maxBlank = 4

// pastBlank passes over empty lines after a publish, which old clients send (RFC 9112 section 2.2). More than a few,
// and those before the first request, are left to net/http, which refuses them.
func (c *direct) pastBlank(got []byte) []byte {
	for c.ride != nil && c.blank < maxBlank && len(got) > 0 && (got[0] == '\r' || got[0] == '\n') {
		c.blank++
		got = got[1:]
	}
	return got
}

// answer answers the request that got begins with, and returns what follows it. After an error it has closed.
func (c *direct) answer(h *head, got []byte) (rest []byte, err error) {
	if c.ride == nil {
		c.ride = newRide(c)
		c.shortcut.enter(c)
	}
	c.state.Store(answering)
	c.blank = 0
	err = net.ErrClosed
	defer func() { // a panic comes by here as well
		if err == nil && c.ride.last {
			c.part()
		}
		if c.state.Swap(resting) == leaving || c.shortcut.ended.Load() || err != nil || c.ride.last {
			c.Conn.Close()
			c.forget()
			err = net.ErrClosed
		}
	}()
	rest, err = c.ride.serve(h, got)
	return rest, err
}

// partTime and partBytes bound what a client may still send behind its last answer.
const (
	partTime  = 500 * time.Millisecond
	partBytes = 1 << 20
)

// part reads away what the client still sends until it has closed, too: the kernel would take back the last answer of a
// connection that is closed with something unread.
func (c *direct) part() {
	if c.CloseWrite() != nil || c.Conn.SetReadDeadline(time.Now().Add(partTime)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, c.Conn, partBytes)
}

// handOver leaves the connection to net/http, with the bytes that it has to begin with, in net/http's own buffer.
func (c *direct) handOver(p, rest []byte) int {
	c.past = true
	if c.ride != nil { // the time for the first head, which net/http has set, went by with what was ours
		server := c.shortcut.server
		_ = c.Conn.SetReadDeadline(deadline(time.Now(), server.ReadHeaderTimeout))
		_ = c.Conn.SetWriteDeadline(time.Time{})
	}
	c.forget()
	return copy(p, rest)
}

func (c *direct) forget() {
	if c.ride != nil {
		c.ride = nil
		c.shortcut.leave(c)
	}
}

// deadline is when a timeout is over; never for 0.
func deadline(now time.Time, timeout time.Duration) time.Time {
	if timeout <= 0 {
		return time.Time{}
	}
	return now.Add(timeout)
}
