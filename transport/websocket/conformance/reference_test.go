package conformance

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// reference is a small echo server that keeps every rule except the one that a test breaks. It is independent of the
// battery's client: they share the names of opcodes, headers and parameters, and no code that reads or writes frames.
type reference struct {
	broken   string
	limit    int           // bytes of a message
	patience time.Duration // with a handshake, and a quarter of it with the end

	serving sync.WaitGroup
	crashed atomic.Bool
	turn    chan struct{} // the right to send a pong, if one client stalls the others
}

func newReference(broken string) *reference {
	return &reference{broken: broken, limit: 256 << 10, patience: 2 * time.Second, turn: make(chan struct{}, 1)}
}

// is reports whether a rule is the broken one.
func (r *reference) is(rule string) bool {
	if !rules[rule] {
		panic("no breakage is called " + rule)
	}
	return r.broken == rule
}

// dial is a connection to the server without a network.
func (r *reference) dial(context.Context) (net.Conn, error) {
	if r.crashed.Load() {
		return nil, syscall.ECONNREFUSED
	}
	server, client := newPipe()
	r.serving.Go(func() { r.serve(server) })
	return client, nil
}

// pipe is a connection of two pipes, so that each half can be closed by itself.
type pipe struct {
	net.Conn // what is written
	in       net.Conn
}

func newPipe() (server, client *pipe) {
	upIn, upOut := net.Pipe()
	downIn, downOut := net.Pipe()
	return &pipe{downOut, upIn}, &pipe{upOut, downIn}
}

func (p *pipe) Read(b []byte) (int, error)        { return p.in.Read(b) }
func (p *pipe) SetReadDeadline(t time.Time) error { return p.in.SetReadDeadline(t) }
func (p *pipe) CloseWrite() error                 { return p.Conn.Close() }
func (p *pipe) Close() error                      { return errors.Join(p.Conn.Close(), p.in.Close()) }

// halfCloser is a connection like TCP's.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// serve serves one connection, to its end.
func (r *reference) serve(conn halfCloser) {
	defer conn.Close()
	if !r.is("slow-handshake-forever") {
		conn.SetReadDeadline(time.Now().Add(r.patience))
	}
	in := bufio.NewReader(conn)
	chosen, ok := r.handshake(in, conn)
	conn.SetReadDeadline(time.Time{})
	if ok {
		c := &referenceConn{reference: r, in: in, out: conn, chosen: chosen}
		c.serve()
	}
	if r.is("close-keeps-tcp") {
		time.Sleep(time.Minute)
		return
	}
	// It reads away what the client still sends for a moment, as no reset may overtake the last frame.
	conn.CloseWrite()
	conn.SetReadDeadline(time.Now().Add(r.patience / 4))
	io.Copy(io.Discard, in)
}

// referenceConn is an open connection of the reference.
type referenceConn struct {
	*reference
	in     *bufio.Reader
	out    io.Writer
	chosen offer // nil without compression

	message *assembly // that is not finished
	closing bool      // the close frame is answered
	held    *assembly // an echo that is kept back
	pings   [][]byte
	squeeze squeezer
}

// broke is the close code of a violation.
type broke int

func (broke) Error() string { return "a violation" }

// serve reads frames until the connection ends.
func (c *referenceConn) serve() {
	for {
		err := c.frame()
		var code broke
		if err == nil {
			continue
		}
		if errors.As(err, &code) && !c.closing && !c.is("drop-at-violations") {
			if c.is("pong-behind-violations") {
				c.send(opPong, []byte("late"))
			}
			c.sendClose(int(code), "")
		}
		return
	}
}

// violation is the end of the connection, unless the rule is the broken one.
func (c *referenceConn) violation(code int, rules ...string) error {
	for _, rule := range rules {
		if c.is(rule) {
			return nil
		}
	}
	return broke(code)
}
