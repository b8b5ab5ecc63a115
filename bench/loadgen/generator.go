package loadgen

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// Plan is what the clients of a generator do.
type Plan struct {
	// Address is the server's, host:port on loopback.
	Address string
	// Client says what client n, from 1, asks for and sends.
	Client func(n int) ClientPlan
	// Binary says that lines go out as binary frames.
	Binary bool
	// Ready is in the message after which a client counts as ready; "" means that the handshake suffices.
	Ready string
	// Answer says what clients send in reply to messages.
	Answer []Answer
	// Stamp and Sequence are the texts in front of an event's time stamp (Unix nanoseconds) and, behind it, its
	// sequence number; what has no stamp is not counted.
	Stamp, Sequence string
	// Series is how many series of sequence numbers a client hears (default 1), such as one of each publisher to each
	// topic; series i is numbered from i x SeriesStride on.
	Series int
	// Latest says that servers may leave out events that a newer one of the series replaces.
	Latest bool
	// Width is how many clients may be connecting at once (default 32).
	Width int
	// TLS is how clients speak TLS; nil is without it. With a ClientSessionCache they resume the sessions of others.
	TLS *tls.Config
	// Deflate says that clients offer permessage-deflate. A server that declines it is an error.
	Deflate bool
}

// SeriesStride is the distance between the first sequence numbers of two series.
const SeriesStride = 1_000_000_000

// ClientPlan is what one client sends: the path and the header lines of its handshake, and then its lines.
type ClientPlan struct {
	Path   string
	Header []string
	Say    []string
}

// Answer is the reply Say to a message that begins with When, or that has a line that does.
type Answer struct{ When, Say string }

// Stats are what a generator has seen since Reset. Latencies are in microseconds.
type Stats struct {
	Connected, Closed int // since New
	// Resumed counts clients whose TLS session was resumed, since New.
	Resumed  int
	Messages int64
	// Compressed counts messages that came compressed.
	Compressed int64
	// Gaps counts events whose sequence number did not follow the one before on their socket; with Plan.Latest, those
	// that are not newer.
	Gaps    int64
	Latency *hdrhistogram.Histogram
	// Last is when the last event arrived.
	Last time.Time
}

// Generator holds the clients. One goroutine may call its methods; any goroutine may call Messages.
type Generator struct {
	plan     Plan
	server   unix.Sockaddr
	epoll    int
	clients  []client // by file descriptor
	last     []int64  // sequence numbers, by file descriptor and series
	entering int
	stats    Stats
	messages atomic.Int64 // Stats.Messages, for other goroutines to read
	buf      []byte
	events   []unix.EpollEvent
	stamp    []byte
	sequence []byte
	answers  []answer
	inflater inflater

	handshakes sync.WaitGroup // goroutines that do a TLS handshake
	shaken     chan shaken    // has room for all of them
}

// state is how far a client has come.
type state byte

const (
	closed      state = iota
	securing          // in the handshake of TLS
	handshaking       // in that of WebSocket
	subscribing
	ready
)

// client is one socket.
type client struct {
	state  state
	n      int
	rest   []byte  // the begin of what is not whole yet
	secure *secure // nil without TLS
}

// New makes a generator without clients. Address must be host:port on IPv4 loopback.
func New(plan Plan) (*Generator, error) {
	address, err := netip.ParseAddrPort(plan.Address)
	if err != nil || !address.Addr().Is4() || !address.Addr().IsLoopback() {
		return nil, fmt.Errorf("the server's address must be on IPv4 loopback, not %q", plan.Address)
	}
	if plan.Series == 0 {
		plan.Series = 1
	}
	if plan.Width == 0 {
		plan.Width = 32
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	g := &Generator{plan: plan, epoll: epoll, buf: make([]byte, 256<<10), events: make([]unix.EpollEvent, 1024),
		stamp: []byte(plan.Stamp), sequence: []byte(plan.Sequence), answers: compile(plan),
		shaken: make(chan shaken, plan.Width),
		server: &unix.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}}
	g.Reset()
	return g, nil
}

// Reset begins a new measurement with the same clients: it forgets all counts, and sequence numbers go on.
func (g *Generator) Reset() {
	g.stats.Gaps, g.stats.Compressed = 0, 0
	g.messages.Store(0)
	g.stats.Latency = hdrhistogram.New(1, 60_000_000, 3)
}

// Stats returns what the generator has seen since Reset.
func (g *Generator) Stats() Stats {
	f := g.stats
	f.Messages = g.messages.Load()
	return f
}

// Messages is how many events arrived since Reset. Any goroutine may call it.
func (g *Generator) Messages() int64 { return g.messages.Load() }

// Heard is how many clients have received this event, as their last one of its series.
func (g *Generator) Heard(sequence int64) (count int) {
	for at := int(sequence / SeriesStride); at < len(g.last); at += g.plan.Series {
		if g.clients[at/g.plan.Series].state == ready && g.last[at] == sequence%SeriesStride {
			count++
		}
	}
	return count
}

// Run blocks and reads what arrives until done returns true; it calls done at least every 2 ms. It locks the calling
// goroutine to its thread. It returns an error if a message cannot be counted or a connecting client fails.
func (g *Generator) Run(done func() bool) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for !done() {
		if err := g.poll(); err != nil {
			return err
		}
	}
	return nil
}

// poll waits up to 2 ms for sockets that have data, and reads them.
func (g *Generator) poll() error {
	n, err := unix.EpollWait(g.epoll, g.events, 2)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return err
	}
	for i := range max(n, 0) {
		if err := g.read(int(g.events[i].Fd), g.events[i].Events); err != nil {
			return err
		}
	}
	return overTLS{g}.endHandshakes()
}

// read reads what has arrived at one socket, for which epoll has these events.
func (g *Generator) read(fd int, events uint32) error {
	c := &g.clients[fd]
	if c.secure != nil {
		if c.secure.announce(events); c.state == securing {
			return nil
		}
		return overTLS{g}.readSecure(fd)
	}
	kept := g.restore(c)
	n, err := unix.Read(fd, g.buf[kept:])
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return nil
	case err != nil || n == 0:
		return g.lost(fd)
	}
	c.rest = c.rest[:0]
	return g.receive(fd, g.buf[:kept+n])
}

// restore puts the begin of what is not whole yet into the buffer, which has room for more then.
func (g *Generator) restore(c *client) (kept int) {
	if need := len(c.rest) + 64<<10; need > len(g.buf) {
		g.buf = make([]byte, 2*need)
	}
	return copy(g.buf, c.rest)
}

// lost closes a socket that the server closed. It returns an error if the client was not ready yet: no measurement runs
// without it.
func (g *Generator) lost(fd int) error {
	c := g.clients[fd]
	g.close(fd)
	switch c.state {
	case handshaking:
		return fmt.Errorf("client %d: the server closed before it answered the handshake", c.n)
	case subscribing:
		return fmt.Errorf("client %d: the server closed before it said %q", c.n, g.plan.Ready)
	}
	g.stats.Closed++
	return nil
}

func (g *Generator) close(fd int) {
	if g.clients[fd].state == closed {
		return
	}
	g.clients[fd] = client{}
	// Without a word and without TIME_WAIT: the next measurement needs the ports.
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	unix.Close(fd)
}

// Close closes all sockets without a close frame.
func (g *Generator) Close() {
	for fd := range g.clients {
		if c := &g.clients[fd]; c.state == securing {
			close(c.secure.wire.readable)
		}
	}
	g.handshakes.Wait()
	for fd := range g.clients {
		g.close(fd)
	}
	unix.Close(g.epoll)
}
