package fastpath

import (
	"io"
	"net"
	"sync/atomic"
	"time"
)

// fastConn is a connection that serves requests inside its Read as long as it can. net/http is the reader, and gets the
// first bytes that are not for the fast path.
type fastConn struct {
	net.Conn
	listener *Listener

	// Owned by the reader.
	early       []byte       // was read before Read was called; nil afterwards
	handedOver  bool         // every byte to come is net/http's
	transaction *transaction // nil before the first request, and once handed over
	blank       int          // bytes of line breaks that were skipped since the last request

	state atomic.Int32
}

// The states of a fastConn, for Close.
const (
	idle    = iota // waits for a request, or is net/http's
	active         // serves a request
	closing        // serves a request, and closes then
)

// NetConn returns the connection as it was accepted.
func (c *fastConn) NetConn() net.Conn { return c.Conn }

// CloseWrite closes the half that net/http closes before it waits for a client's last bytes.
func (c *fastConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close implements net.Conn. A request that is being served is answered first.
func (c *fastConn) Close() error {
	if c.state.CompareAndSwap(active, closing) || c.state.Load() == closing {
		return nil
	}
	return c.Conn.Close()
}

// Read implements net.Conn: it serves requests until something else comes, and returns that. It reads into p, which is
// net/http's buffer, so that an idle connection has none of its own.
func (c *fastConn) Read(p []byte) (int, error) {
	if c.handedOver {
		return c.receive(p)
	}
	waiting := 0 // bytes at the start of p that are too few to judge
	for {
		n, err := c.receive(p[waiting:])
		if err != nil || n == 0 {
			c.release(true)
			return n, err
		}
		rest := c.skipBlank(p[:waiting+n])
		for ; len(rest) > 0 && !c.tooFew(rest); rest = c.skipBlank(rest) {
			h, ok := parseHead(rest, c.listener.cfg.Routes)
			if !ok {
				return c.handOver(p, rest), nil
			}
			if rest, err = c.serve(&h, rest); err != nil {
				return 0, err
			}
		}
		waiting = copy(p, rest)
	}
}

// receive reads what came early, and then from the connection.
func (c *fastConn) receive(p []byte) (int, error) {
	if len(c.early) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.early)
	if c.early = c.early[n:]; len(c.early) == 0 {
		c.early = nil
	}
	return n, nil
}

// lookahead is how many bytes behind a POST net/http waits for before it goes on, and among which it skips line breaks.
const lookahead = 4

// skipBlank skips empty lines after a request, which old clients send (RFC 9112 section 2.2). net/http gets those
// before the first request and those over the limit, and refuses them.
func (c *fastConn) skipBlank(text []byte) []byte {
	for c.transaction != nil && c.blank < lookahead && len(text) > 0 && (text[0] == '\r' || text[0] == '\n') {
		c.blank++
		text = text[1:]
	}
	return text
}

// tooFew reports whether net/http would wait for more behind a request, as long as a connection may be idle, and close
// without a word if nothing comes.
func (c *fastConn) tooFew(text []byte) bool {
	return c.transaction != nil && c.blank+len(text) < lookahead
}

// serve answers the request that text begins with, and returns what follows it. After an error the connection is
// closed.
func (c *fastConn) serve(h *requestHead, text []byte) (rest []byte, err error) {
	if c.transaction == nil {
		c.transaction = c.listener.transactions.Get().(*transaction)
		c.transaction.conn = c
		c.listener.track(c)
	}
	c.state.Store(active)
	c.blank = 0
	err = net.ErrClosed
	defer func() { // a panic passes through here, too
		if err == nil && c.transaction.last && !(h.last && len(rest) == 0 && c.transaction.body.missing == 0) {
			c.linger()
		}
		if c.state.Swap(idle) == closing || c.listener.shutDown.Load() || err != nil || c.transaction.last {
			c.Conn.Close()
			c.release(err == nil)
			err = net.ErrClosed
		}
	}()
	rest, err = c.transaction.serve(h, text)
	return rest, err
}

// lingerTime and lingerBytes bound what a client may still send behind its last response.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 1 << 20
)

// linger reads away what the client still sends until it closes, too: the kernel would take the last response back if a
// connection closed with unread bytes.
func (c *fastConn) linger() {
	if c.CloseWrite() != nil || c.Conn.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
}

// handOver leaves the connection to net/http, with the bytes that it begins with, in net/http's own buffer.
func (c *fastConn) handOver(p, rest []byte) int {
	c.handedOver = true
	if c.transaction != nil { // net/http set the time for the first head, which went by with the fast path's requests
		server := c.listener.server
		_ = c.Conn.SetReadDeadline(deadline(time.Now(), server.ReadHeaderTimeout))
		_ = c.Conn.SetWriteDeadline(time.Time{})
	}
	c.release(true)
	return copy(p, rest)
}

// release gives up the transaction, which another connection may use unless it broke off.
func (c *fastConn) release(whole bool) {
	if c.transaction == nil {
		return
	}
	if whole {
		c.transaction.detach()
		c.listener.transactions.Put(c.transaction)
	}
	c.transaction = nil
	c.listener.untrack(c)
}

// deadline is when a timeout is over; never for 0.
func deadline(now time.Time, timeout time.Duration) time.Time {
	if timeout <= 0 {
		return time.Time{}
	}
	return now.Add(timeout)
}
