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

// patience is how long nobody may come in before Connect gives up.
const connectTimeout = 10 * time.Second

// Connect lets the clients from first to last enter, and returns when all are ready.
func (s *Generator) Connect(first, last int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	inside, since := s.stats.Connected, time.Now()
	for n := first; n <= last || s.entering > 0; {
		for ; n <= last && s.entering < s.plan.Width; n++ {
			if err := s.dial(n); err != nil {
				return fmt.Errorf("client %d: %w", n, err)
			}
		}
		if err := s.poll(); err != nil {
			return err
		}
		if s.stats.Connected > inside {
			inside, since = s.stats.Connected, time.Now()
		} else if time.Since(since) > connectTimeout {
			return s.stalled()
		}
	}
	return nil
}

// stuck says what the clients wait for.
func (s *Generator) stalled() error {
	for _, c := range s.clients {
		switch c.state {
		case handshaking:
			return fmt.Errorf("client %d: no answer to the handshake for %s", c.n, connectTimeout)
		case subscribing:
			return fmt.Errorf("client %d: the server did not say %q for %s", c.n, s.plan.Ready, connectTimeout)
		}
	}
	return errors.New("nobody is entering")
}

// begin opens a socket and asks for the upgrade.
func (s *Generator) dial(n int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	for len(s.clients) <= fd {
		s.clients = append(s.clients, client{})
	}
	for len(s.last) < len(s.clients)*s.plan.Publishers {
		s.last = append(s.last, 0)
	}
	clear(s.last[fd*s.plan.Publishers : (fd+1)*s.plan.Publishers])
	s.clients[fd] = client{state: handshaking, n: n}
	// Connecting to loopback waits for nobody, as long as the server's backlog has room.
	if err := errors.Join(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1), unix.Connect(fd, s.server), unix.SetNonblock(fd, true)); err != nil {
		s.close(fd)
		return err
	}
	s.entering++
	if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(fd)}); err != nil {
		return err
	}
	_, err = unix.Write(fd, s.handshake(n))
	return err
}

func (s *Generator) handshake(n int) []byte {
	voice := s.plan.Client(n)
	var out strings.Builder
	out.WriteString("GET " + voice.Path + " HTTP/1.1\r\nHost: " + s.plan.Address +
		"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cGFybGV5LXN3YXJtLWtleQ==\r\n")
	for _, line := range voice.Header {
		out.WriteString(line + "\r\n")
	}
	out.WriteString("\r\n")
	return []byte(out.String())
}

// shake takes the answer to the handshake, and returns what follows it.
func (s *Generator) readHandshake(fd int, data []byte) ([]byte, error) {
	c := &s.clients[fd]
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
	c.state = subscribing
	if s.plan.Ready == "" {
		s.ready(c)
	}
	return rest, s.send(fd, s.plan.Client(c.n).Say...)
}

// enter lets a client count as ready.
func (s *Generator) ready(c *client) {
	c.state = ready
	s.entering--
	s.stats.Connected++
}

// say writes lines, each a message.
func (s *Generator) send(fd int, lines ...string) error {
	op := byte(text)
	if s.plan.Binary {
		op = binaries
	}
	var frames []byte
	for _, line := range lines {
		frames = appendFrame(frames, op, line)
	}
	if len(frames) == 0 {
		return nil
	}
	return s.write(fd, frames)
}

// write writes to a socket whose buffer has room for all that clients say; if it has none, the server does not read.
func (s *Generator) write(fd int, frames []byte) error {
	if n, err := unix.Write(fd, frames); err != nil || n < len(frames) {
		return s.lost(fd)
	}
	return nil
}
