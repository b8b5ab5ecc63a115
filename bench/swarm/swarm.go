package swarm

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// Plan is what the clients of a swarm do.
type Plan struct {
	// Address is the server's, host:port on loopback; Path what they ask for. ${n} in it is the client's number.
	Address string
	Path    string
	Header  []string
	// Say are the lines that each client says after its handshake, one after the other. ${n} is the client's number,
	// ${token} what Token returns for it.
	Say   []string
	Token func(client int) string
	// Ready is a text that the last answer before the swarm counts as ready contains; "" means the handshake suffices.
	Ready string
	// Stamp and Sequence are the texts in front of a message's time stamp (Unix nanoseconds) and sequence number; a
	// message without Stamp is not counted. Sequence "" checks no order.
	Stamp, Sequence string
}

// Figures are what a swarm has seen. Latencies are in microseconds.
type Figures struct {
	Connected, Closed int
	Messages          int64
	// Gaps counts messages whose sequence number did not follow the one before on their socket.
	Gaps    int64
	Latency *hdrhistogram.Histogram
}

// Swarm is the clients. One goroutine may call Dial and Run.
type Swarm struct {
	plan     Plan
	server   unix.Sockaddr
	epoll    int
	clients  []client // by file descriptor
	figures  Figures
	messages atomic.Int64 // what figures.Messages is, for others to read meanwhile
	buf      []byte
	stamp    []byte
	sequence []byte
}

// client is one socket.
type client struct {
	open bool
	seen bool
	last int64  // sequence number
	rest []byte // the begin of a frame that is not whole yet
}

// New makes a swarm of nobody.
func New(plan Plan) (*Swarm, error) {
	address, err := netip.ParseAddrPort(plan.Address)
	if err != nil || !address.Addr().Is4() || !address.Addr().IsLoopback() {
		return nil, fmt.Errorf("the server's address must be on IPv4 loopback, not %q", plan.Address)
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	s := &Swarm{plan: plan, epoll: epoll, buf: make([]byte, 256<<10), stamp: []byte(plan.Stamp), sequence: []byte(plan.Sequence),
		server: &unix.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}}
	s.Reset()
	return s, nil
}

// Reset forgets what was seen, for a new measurement with the same clients.
func (s *Swarm) Reset() {
	s.figures.Messages, s.figures.Gaps = 0, 0
	s.messages.Store(0)
	s.figures.Latency = hdrhistogram.New(1, 60_000_000, 3)
}

// Figures are what was seen since Reset.
func (s *Swarm) Figures() Figures {
	f := s.figures
	f.Messages = s.messages.Load()
	return f
}

// Messages is how many messages arrived since Reset. Any goroutine may ask.
func (s *Swarm) Messages() int64 { return s.messages.Load() }

// Dial connects client number n and waits until it is ready.
func (s *Swarm) Dial(n int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := s.enter(fd, n); err != nil {
		unix.Close(fd)
		return fmt.Errorf("client %d: %w", n, err)
	}
	return nil
}

func (s *Swarm) enter(fd, n int) error {
	timeout := unix.NsecToTimeval(int64(10 * time.Second))
	if err := errors.Join(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1), unix.Connect(fd, s.server)); err != nil {
		return err
	}
	for len(s.clients) <= fd {
		s.clients = append(s.clients, client{})
	}
	s.clients[fd] = client{open: true}
	if err := s.greet(fd, n); err != nil {
		return err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	s.figures.Connected++
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(fd)})
}

// greet does the handshake, says the lines and waits for the answer that makes the client ready.
func (s *Swarm) greet(fd, n int) error {
	fill := strings.NewReplacer("${n}", strconv.Itoa(n))
	out := "GET " + fill.Replace(s.plan.Path) + " HTTP/1.1\r\nHost: " + s.plan.Address +
		"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cGFybGV5LXN3YXJtLWtleQ==\r\n"
	for _, h := range s.plan.Header {
		out += fill.Replace(h) + "\r\n"
	}
	if _, err := unix.Write(fd, []byte(out+"\r\n")); err != nil {
		return err
	}
	got, err := s.until(fd, nil, "\r\n\r\n")
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(got, []byte("HTTP/1.1 101")) {
		line, _, _ := bytes.Cut(got, []byte("\r\n"))
		return fmt.Errorf("the server says %q", line)
	}
	_, rest, _ := bytes.Cut(got, []byte("\r\n\r\n"))
	if err := s.say(fd, n); err != nil {
		return err
	}
	if s.plan.Ready != "" {
		if rest, err = s.until(fd, rest, s.plan.Ready); err != nil {
			return err
		}
	}
	return s.take(fd, rest)
}

func (s *Swarm) say(fd, n int) error {
	var frames []byte
	for _, line := range s.plan.Say {
		words := []string{"${n}", strconv.Itoa(n)}
		if s.plan.Token != nil && strings.Contains(line, "${token}") {
			words = append(words, "${token}", s.plan.Token(n))
		}
		frames = appendText(frames, strings.NewReplacer(words...).Replace(line))
	}
	_, err := unix.Write(fd, frames)
	return err
}

// until reads, blocking, until what was read contains mark.
func (s *Swarm) until(fd int, got []byte, mark string) ([]byte, error) {
	for !bytes.Contains(got, []byte(mark)) {
		n, err := unix.Read(fd, s.buf)
		if errors.Is(err, unix.EINTR) { // the runtime's own signals
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("while waiting for %q: %w", mark, err)
		}
		if n == 0 || len(got) > 64<<10 {
			return nil, fmt.Errorf("the server closed before it said %q; it said %.200q", mark, got)
		}
		got = append(got, s.buf[:n]...)
	}
	return got, nil
}

// Run reads what arrives until done says so; it is asked at least every 10 ms. The calling goroutine keeps its thread.
func (s *Swarm) Run(done func() bool) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	events := make([]unix.EpollEvent, 1024)
	for !done() {
		n, err := unix.EpollWait(s.epoll, events, 10)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		for i := range max(n, 0) {
			if err := s.read(int(events[i].Fd)); err != nil {
				return err
			}
		}
	}
	return nil
}

// read takes what is there for one socket.
func (s *Swarm) read(fd int) error {
	c := &s.clients[fd]
	kept := copy(s.buf, c.rest)
	n, err := unix.Read(fd, s.buf[kept:])
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return nil
	case err != nil || n == 0:
		s.close(fd)
		return nil
	}
	c.rest = c.rest[:0]
	return s.take(fd, s.buf[:kept+n])
}

func (s *Swarm) close(fd int) {
	if s.clients[fd].open {
		s.clients[fd] = client{}
		s.figures.Closed++
		unix.Close(fd)
	}
}

// take splits data into frames and keeps what is not whole.
func (s *Swarm) take(fd int, data []byte) error {
	now := time.Now().UnixNano()
	c := &s.clients[fd]
	count := int64(0)
	for {
		op, payload, n, err := next(data)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		data = data[n:]
		switch op {
		case 1:
			count += s.message(c, payload, now)
		case 8:
			s.close(fd)
			return nil
		case 9:
			if _, err := unix.Write(fd, appendFrame(nil, 0x8a, string(payload))); err != nil {
				s.close(fd)
				return nil
			}
		}
	}
	if len(data) > 0 {
		c.rest = append(c.rest[:0], data...)
	} else if cap(c.rest) > 0 {
		c.rest = nil
	}
	if count > 0 {
		s.messages.Add(count)
	}
	return nil
}

func (s *Swarm) message(c *client, payload []byte, now int64) int64 {
	if len(s.stamp) == 0 {
		return 1
	}
	stamp, ok := number(payload, s.stamp)
	if !ok {
		return 0
	}
	_ = s.figures.Latency.RecordValue(max(1, (now-stamp)/1000))
	if len(s.sequence) == 0 {
		return 1
	}
	sequence, _ := number(payload, s.sequence)
	if c.seen && sequence != c.last+1 {
		s.figures.Gaps++
	}
	c.seen, c.last = true, sequence
	return 1
}

// Close closes all sockets without a word.
func (s *Swarm) Close() {
	for fd := range s.clients {
		s.close(fd)
	}
	unix.Close(s.epoll)
}
