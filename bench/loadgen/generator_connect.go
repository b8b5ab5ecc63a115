package loadgen

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// connectTimeout is how long Connect waits without any client becoming ready before it gives up.
const connectTimeout = 10 * time.Second

// Connect connects the clients from first to last. It blocks until all are ready, and returns an error if one is
// refused or if none becomes ready for 10 s.
func (g *Generator) Connect(first, last int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	inside, since := g.stats.Connected, time.Now()
	for n := first; n <= last || g.entering > 0; {
		for ; n <= last && g.entering < g.plan.Width; n++ {
			if err := g.dial(n); err != nil {
				return fmt.Errorf("client %d: %w", n, err)
			}
		}
		if err := g.poll(); err != nil {
			return err
		}
		if g.stats.Connected > inside {
			inside, since = g.stats.Connected, time.Now()
		} else if time.Since(since) > connectTimeout {
			return g.stalled()
		}
	}
	return nil
}

// stalled says what the clients are waiting for.
func (g *Generator) stalled() error {
	for _, c := range g.clients {
		switch c.state {
		case securing:
			return fmt.Errorf("client %d: TLS: no end of the handshake for %s", c.n, connectTimeout)
		case handshaking:
			return fmt.Errorf("client %d: no answer to the handshake for %s", c.n, connectTimeout)
		case subscribing:
			return fmt.Errorf("client %d: the server did not say %q for %s", c.n, g.plan.Ready, connectTimeout)
		}
	}
	return errors.New("nobody is entering")
}

// dial opens a socket and sends the upgrade request.
func (g *Generator) dial(n int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	for len(g.clients) <= fd {
		g.clients = append(g.clients, client{})
	}
	for len(g.last) < len(g.clients)*g.plan.Series {
		g.last = append(g.last, 0)
	}
	clear(g.last[fd*g.plan.Series : (fd+1)*g.plan.Series])
	g.clients[fd] = client{state: handshaking, n: n}
	// Connecting to loopback waits for nobody, as long as the server's backlog has room.
	if err := errors.Join(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1), unix.Connect(fd, g.server),
		unix.SetNonblock(fd, true)); err != nil {
		g.close(fd)
		return err
	}
	g.entering++
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(fd)}
	if g.plan.TLS != nil {
		event.Events |= unix.EPOLLET
	}
	if err := unix.EpollCtl(g.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return err
	}
	if g.plan.TLS != nil {
		overTLS{g}.startTLS(fd)
		return nil
	}
	_, err = unix.Write(fd, g.handshake(n))
	return err
}

func (g *Generator) handshake(n int) []byte {
	voice := g.plan.Client(n)
	var out strings.Builder
	out.WriteString("GET " + voice.Path + " HTTP/1.1\r\nHost: " + g.plan.Address +
		"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
		"cGFybGV5LXN3YXJtLWtleQ==\r\n")
	if g.plan.Deflate {
		out.WriteString(deflateOffer)
	}
	for _, line := range voice.Header {
		out.WriteString(line + "\r\n")
	}
	out.WriteString("\r\n")
	return []byte(out.String())
}

// readHandshake takes the response to the handshake, and returns the data behind it.
func (g *Generator) readHandshake(fd int, data []byte) ([]byte, error) {
	c := &g.clients[fd]
	head, rest, whole := bytes.Cut(data, []byte("\r\n\r\n"))
	if !whole {
		if len(data) > 64<<10 {
			return nil, fmt.Errorf("client %d: an answer to the handshake of more than 64 KiB", c.n)
		}
		return data, nil
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101")) {
		line, _, _ := bytes.Cut(head, []byte("\r\n"))
		return nil, fmt.Errorf("client %d: the server says %q", c.n, line)
	}
	if g.plan.Deflate && !bytes.Contains(head, []byte("permessage-deflate")) {
		return nil, fmt.Errorf("client %d: the server declines permessage-deflate", c.n)
	}
	c.state = subscribing
	if g.plan.Ready == "" {
		g.ready(c)
	}
	return rest, g.send(fd, g.plan.Client(c.n).Say...)
}

// ready counts a client as ready.
func (g *Generator) ready(c *client) {
	c.state = ready
	g.entering--
	g.stats.Connected++
}

// send sends lines, each as a message.
func (g *Generator) send(fd int, lines ...string) error {
	op := byte(text)
	if g.plan.Binary {
		op = binaries
	}
	var frames []byte
	for _, line := range lines {
		frames = appendFrame(frames, op, line)
	}
	if len(frames) == 0 {
		return nil
	}
	return g.write(fd, frames)
}

// write writes to a socket. Its buffer has room for all that a client ever sends, unless the server does not read.
func (g *Generator) write(fd int, frames []byte) error {
	n, err := 0, error(nil)
	if s := g.clients[fd].secure; s != nil {
		n, err = s.conn.Write(frames)
	} else {
		n, err = unix.Write(fd, frames)
	}
	if err != nil || n < len(frames) {
		return g.lost(fd)
	}
	return nil
}
