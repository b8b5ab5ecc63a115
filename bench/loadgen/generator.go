package loadgen

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// Plan is what the clients of a swarm do.
type Plan struct {
	// Address is the server's, host:port on loopback.
	Address string
	// Voice is what client n, from 1, asks for and says.
	Client func(n int) ClientPlan
	// Binary says that lines go out as binary frames.
	Binary bool
	// Ready is in the message after which a client counts as ready; "" means that the handshake suffices.
	Ready string
	// Answer is what clients say to what they hear.
	Answer []Answer
	// Stamp and Sequence are the texts in front of an event's time stamp (Unix nanoseconds) and, behind it, its sequence
	// number; what has no stamp is not counted.
	Stamp, Sequence string
	// Lanes is how many publishers number the same topic, each from its lane times Lane (default 1).
	Publishers int
	// Width is how many clients may be entering at once (default 32).
	Width int
}

// Lane is the distance between the sequence numbers of two publishers to one topic.
const PublisherStride = 1_000_000_000

// Voice is what one client says: the path and the header lines of its handshake, and then its lines.
type ClientPlan struct {
	Path   string
	Header []string
	Say    []string
}

// Answer is what a client says to a message that begins with When, or has a line that does.
type Answer struct{ When, Say string }

// Figures are what a swarm has seen since Reset. Latencies are in microseconds.
type Stats struct {
	Connected, Closed int // since New
	Messages          int64
	// Gaps counts events whose sequence number did not follow the one before on their socket.
	Gaps    int64
	Latency *hdrhistogram.Histogram
	// Last is when the last event arrived.
	Last time.Time
}

// Swarm is the clients. One goroutine may call its methods; Messages is for everyone.
type Generator struct {
	plan     Plan
	server   unix.Sockaddr
	epoll    int
	clients  []client // by file descriptor
	last     []int64  // sequence numbers, by file descriptor and lane
	entering int
	stats    Stats
	messages atomic.Int64 // what figures.Messages is, for others to read meanwhile
	buf      []byte
	events   []unix.EpollEvent
	stamp    []byte
	sequence []byte
	answers  []answer
}

// stage is how far a client is.
type state byte

const (
	closed state = iota
	handshaking
	subscribing
	ready
)

// client is one socket.
type client struct {
	state state
	n     int
	rest  []byte // the begin of what is not whole yet
}

// New makes a swarm of nobody.
func New(plan Plan) (*Generator, error) {
	address, err := netip.ParseAddrPort(plan.Address)
	if err != nil || !address.Addr().Is4() || !address.Addr().IsLoopback() {
		return nil, fmt.Errorf("the server's address must be on IPv4 loopback, not %q", plan.Address)
	}
	if plan.Publishers == 0 {
		plan.Publishers = 1
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
		server: &unix.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}}
	g.Reset()
	return g, nil
}

// Reset forgets what was counted, for a new measurement with the same clients; sequence numbers go on.
func (g *Generator) Reset() {
	g.stats.Gaps = 0
	g.messages.Store(0)
	g.stats.Latency = hdrhistogram.New(1, 60_000_000, 3)
}

// Figures are what was seen since Reset.
func (g *Generator) Stats() Stats {
	f := g.stats
	f.Messages = g.messages.Load()
	return f
}

// Messages is how many events arrived since Reset. Any goroutine may ask.
func (g *Generator) Messages() int64 { return g.messages.Load() }

// Run reads what arrives until done says so; it is asked at least every 2 ms. The calling goroutine keeps its thread.
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

// turn waits for sockets that have something, and reads them.
func (g *Generator) poll() error {
	n, err := unix.EpollWait(g.epoll, g.events, 2)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return err
	}
	for i := range max(n, 0) {
		if err := g.read(int(g.events[i].Fd)); err != nil {
			return err
		}
	}
	return nil
}

// read takes what is there for one socket.
func (g *Generator) read(fd int) error {
	c := &g.clients[fd]
	if need := len(c.rest) + 64<<10; need > len(g.buf) {
		g.buf = make([]byte, 2*need)
	}
	kept := copy(g.buf, c.rest)
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

// lose closes a socket that the server closed. A client that was not in yet is an error: nobody measures without it.
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

// Close closes all sockets without a word.
func (g *Generator) Close() {
	for fd := range g.clients {
		g.close(fd)
	}
	unix.Close(g.epoll)
}
