package main

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// maxQueued is how many bytes may wait for full sockets, all together.
const maxQueued = 8 << 20

// loop is the server. The goroutine in run owns everything but wake, which stop writes to.
type loop struct {
	address string
	listen  int
	epoll   int
	wake    int // an eventfd; readable when the loop is to end
	limit   int // maxQueued
	window  time.Duration

	byFD   []*connection
	events []unix.EpollEvent
	buf    []byte // for one read

	sockets []*connection // the WebSockets; nil where one closed
	closed  int           // how many of sockets are nil
	queued  int           // bytes in rest of all connections
	now     publish
	next    []*connection // the publishers behind it
	batch   []byte        // the frames of the window that is open; none if it is empty
	until   time.Time     // when that window ends
	spare   []byte        // the array of an earlier batch
	answer  []byte
}

// listen makes a loop that is bound to address.
func listen(address string) (*loop, error) {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !a.Addr().Is4() {
		return nil, fmt.Errorf("cannot listen on %q: it is not an IPv4 address with a port", address)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.Bind(fd, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}), unix.Listen(fd, 4096))
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	l := &loop{listen: fd, limit: maxQueued, events: make([]unix.EpollEvent, 1024), buf: make([]byte, 256<<10)}
	return l, l.prepare()
}

// prepare makes the epoll set.
func (l *loop) prepare() error {
	bound, err := unix.Getsockname(l.listen)
	if err != nil {
		return err
	}
	at := bound.(*unix.SockaddrInet4)
	l.address = netip.AddrPortFrom(netip.AddrFrom4(at.Addr), uint16(at.Port)).String()
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	return errors.Join(l.control(unix.EPOLL_CTL_ADD, l.listen, unix.EPOLLIN),
		l.control(unix.EPOLL_CTL_ADD, l.wake, unix.EPOLLIN))
}

func (l *loop) control(op, fd int, events uint32) error {
	return unix.EpollCtl(l.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// stop ends run. Any goroutine may call it, once.
func (l *loop) stop() { _, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

// run serves until stop is called.
func (l *loop) run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer l.close()
	for {
		if ended, err := l.poll(); ended || err != nil {
			return err
		}
	}
}

// poll waits until something is ready and handles it.
func (l *loop) poll() (ended bool, err error) {
	n, err := unix.EpollWait(l.epoll, l.events, l.timeout())
	if err != nil && !errors.Is(err, unix.EINTR) {
		return false, err
	}
	for _, e := range l.events[:max(n, 0)] {
		switch fd := int(e.Fd); fd {
		case l.wake:
			return true, nil
		case l.listen:
			l.accept()
		default:
			l.serve(l.byFD[fd], e.Events)
		}
	}
	l.publish()
	return false, nil
}

func (l *loop) close() {
	for _, c := range l.byFD {
		if c != nil {
			l.drop(c)
		}
	}
	for _, fd := range []int{l.listen, l.epoll, l.wake} {
		unix.Close(fd)
	}
}

// accept accepts the connections that are waiting.
func (l *loop) accept() {
	for {
		fd, _, err := unix.Accept4(l.listen, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		if err != nil {
			return // nobody is there, or no file descriptor is
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		for len(l.byFD) <= fd {
			l.byFD = append(l.byFD, nil)
		}
		c := &connection{fd: fd}
		c.watched = c.interest()
		if l.control(unix.EPOLL_CTL_ADD, fd, c.watched) != nil {
			unix.Close(fd)
			continue
		}
		l.byFD[fd] = c
	}
}

// serve handles what a connection is ready for. c is nil if it was closed a moment ago.
func (l *loop) serve(c *connection, events uint32) {
	if c == nil {
		return
	}
	ok := true
	if len(c.rest) > 0 && events&unix.EPOLLOUT != 0 {
		var n int
		n, ok = c.flush()
		l.queued -= n
		if ok && len(c.rest) == 0 && !c.socket {
			ok = l.requests(c, c.in)
		}
	} else if c.reads() {
		ok = l.read(c)
	} else {
		ok = events&(unix.EPOLLERR|unix.EPOLLHUP) == 0
	}
	l.update(c, ok)
}

// update closes a connection that is broken or done, and registers any other for its new interest.
func (l *loop) update(c *connection, ok bool) {
	if !ok || c.last && !c.waiting && len(c.rest) == 0 {
		l.drop(c)
		return
	}
	if wants := c.interest(); wants != c.watched {
		c.watched = wants
		_ = l.control(unix.EPOLL_CTL_MOD, c.fd, wants)
	}
}

func (l *loop) drop(c *connection) {
	l.byFD[c.fd] = nil
	l.queued -= len(c.rest)
	unix.Close(c.fd)
	if c.socket {
		l.sockets[c.index] = nil
		l.closed++
	}
}

// read reads one piece of what has arrived. It discards what a WebSocket says.
func (l *loop) read(c *connection) (ok bool) {
	kept := copy(l.buf, c.in)
	n, err := unix.Read(c.fd, l.buf[kept:])
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return true
	case err != nil || n <= 0:
		return false
	case c.socket:
		return true
	}
	return l.requests(c, l.buf[:kept+n])
}

// send writes an answer. It always fits: as long as it is not written, nothing more is read from that connection.
func (l *loop) send(c *connection, data []byte) (ok bool) {
	n, ok := c.write(data)
	if ok {
		l.queue(c, data[n:])
	}
	return ok
}

func (l *loop) queue(c *connection, data []byte) {
	c.rest = append(c.rest, data...)
	l.queued += len(data)
}
