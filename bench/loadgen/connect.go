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
const patience = 10 * time.Second

// Connect lets the clients from first to last enter, and returns when all are ready.
func (s *Swarm) Connect(first, last int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	inside, since := s.figures.Connected, time.Now()
	for n := first; n <= last || s.entering > 0; {
		for ; n <= last && s.entering < s.plan.Width; n++ {
			if err := s.begin(n); err != nil {
				return fmt.Errorf("client %d: %w", n, err)
			}
		}
		if err := s.turn(); err != nil {
			return err
		}
		if s.figures.Connected > inside {
			inside, since = s.figures.Connected, time.Now()
		} else if time.Since(since) > patience {
			return s.stuck()
		}
	}
	return nil
}

// stuck says what the clients wait for.
func (s *Swarm) stuck() error {
	for _, c := range s.clients {
		switch c.stage {
		case shaking:
			return fmt.Errorf("client %d: no answer to the handshake for %s", c.n, patience)
		case speaking:
			return fmt.Errorf("client %d: the server did not say %q for %s", c.n, s.plan.Ready, patience)
		}
	}
	return errors.New("nobody is entering")
}

// begin opens a socket and asks for the upgrade.
func (s *Swarm) begin(n int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	for len(s.clients) <= fd {
		s.clients = append(s.clients, client{})
	}
	for len(s.last) < len(s.clients)*s.plan.Lanes {
		s.last = append(s.last, 0)
	}
	clear(s.last[fd*s.plan.Lanes : (fd+1)*s.plan.Lanes])
	s.clients[fd] = client{stage: shaking, n: n}
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

func (s *Swarm) handshake(n int) []byte {
	voice := s.plan.Voice(n)
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
func (s *Swarm) shake(fd int, data []byte) ([]byte, error) {
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
	c.stage = speaking
	if s.plan.Ready == "" {
		s.enter(c)
	}
	return rest, s.say(fd, s.plan.Voice(c.n).Say...)
}

// enter lets a client count as ready.
func (s *Swarm) enter(c *client) {
	c.stage = inside
	s.entering--
	s.figures.Connected++
}

// say writes lines, each a message.
func (s *Swarm) say(fd int, lines ...string) error {
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
func (s *Swarm) write(fd int, frames []byte) error {
	if n, err := unix.Write(fd, frames); err != nil || n < len(frames) {
		return s.lose(fd)
	}
	return nil
}
