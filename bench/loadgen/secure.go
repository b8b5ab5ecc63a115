package loadgen

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// secure is the TLS of one client. A goroutine of its own does the handshake, since crypto/tls blocks there; from then
// on the generator's thread alone uses it, and never blocks. Its socket is edge-triggered: it is read until it is
// empty.
type secure struct {
	conn *tls.Conn
	wire wire
}

// wire is a non-blocking socket as crypto/tls sees it.
type wire struct {
	net.Conn // nil: crypto/tls calls nothing else of it
	fd       int
	// empty says that a read got less than it had room for, and nothing was announced since.
	empty bool
	// ended says that the end of the stream was announced, which has to be read, too.
	ended atomic.Bool
	// readable has a token when there may be something to read; closed, it ends the handshake. nil after it.
	readable chan struct{}
}

// errEmpty says that nothing has arrived. As it is temporary, crypto/tls goes on with the next Read.
var errEmpty net.Error = emptyError{}

type emptyError struct{}

func (emptyError) Error() string   { return "nothing has arrived" }
func (emptyError) Timeout() bool   { return true }
func (emptyError) Temporary() bool { return true }

var errFull = errors.New("the server does not read")

// Read implements net.Conn. It blocks during the handshake only.
func (w *wire) Read(p []byte) (int, error) {
	if w.empty && w.readable == nil {
		return 0, errEmpty
	}
	for {
		n, err := unix.Read(w.fd, p)
		w.empty = n < len(p) && !w.ended.Load()
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN) && w.readable == nil:
			return 0, errEmpty
		case errors.Is(err, unix.EAGAIN):
			if _, open := <-w.readable; !open {
				return 0, net.ErrClosed
			}
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write implements net.Conn. The buffer of a socket has room for all that a client ever sends.
func (w *wire) Write(p []byte) (int, error) {
	n, err := unix.Write(w.fd, p)
	if err == nil && n < len(p) {
		err = errFull
	}
	return max(n, 0), err
}

// SetWriteDeadline implements net.Conn for an alert of crypto/tls, which does not block either.
func (*wire) SetWriteDeadline(time.Time) error { return nil }

// shaken is the end of a handshake.
type shaken struct {
	fd  int
	err error
}

// overTLS is the part of a generator that speaks TLS.
type overTLS struct{ *Generator }

// startTLS begins the handshake of a client that is connected.
func (g overTLS) startTLS(fd int) {
	s := &secure{wire: wire{fd: fd, readable: make(chan struct{}, 1)}}
	s.conn = tls.Client(&s.wire, g.plan.TLS)
	g.clients[fd].state, g.clients[fd].secure = securing, s
	g.handshakes.Go(func() { g.shaken <- shaken{fd, s.conn.Handshake()} })
}

// endHandshakes takes the clients whose TLS handshake has ended, and sends their upgrade requests.
func (g overTLS) endHandshakes() error {
	for {
		select {
		case done := <-g.shaken:
			if err := g.endHandshake(done); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (g overTLS) endHandshake(done shaken) error {
	c := &g.clients[done.fd]
	if done.err != nil {
		return fmt.Errorf("client %d: TLS: %w", c.n, done.err)
	}
	if c.secure.conn.ConnectionState().DidResume {
		g.stats.Resumed++
	}
	c.state, c.secure.wire.readable, c.secure.wire.empty = handshaking, nil, false
	if err := g.write(done.fd, g.handshake(c.n)); err != nil {
		return err
	}
	return g.readSecure(done.fd)
}

// announce notes that there may be something to read, or the end, and tells the goroutine of a handshake.
func (s *secure) announce(events uint32) {
	if events&^unix.EPOLLIN != 0 {
		s.wire.ended.Store(true)
	}
	if s.wire.readable == nil {
		s.wire.empty = false
		return
	}
	select {
	case s.wire.readable <- struct{}{}:
	default:
	}
}

// readSecure reads all that has arrived at a socket with TLS.
func (g overTLS) readSecure(fd int) error {
	for {
		c := &g.clients[fd]
		if c.state == closed {
			return nil
		}
		kept := g.restore(c)
		n, err := 0, error(nil)
		for err == nil && len(g.buf)-kept-n >= recordBytes {
			var more int
			more, err = c.secure.conn.Read(g.buf[kept+n:])
			n += more
		}
		if n > 0 {
			c.rest = c.rest[:0]
			if err := g.receive(fd, g.buf[:kept+n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, errEmpty):
			return nil
		case err != nil && g.clients[fd].state != closed:
			return g.lost(fd)
		}
	}
}

// recordBytes is what a record holds at most.
const recordBytes = 16 << 10
