package websocket

import (
	"crypto/tls"
	"errors"
	"os"
	"sync"
	"syscall"
)

// idlePoller waits, with one goroutine for all of them, until a parked socket has something to read. A goroutine for
// each silent client, which only waits, costs 2.5 KiB: more than all else that an idle connection has (bench/NOTES.md).
//
// It is an epoll set of its own beside the runtime's. A socket is parked for one event: the event, or the end of the
// socket, unparks it and starts its reader. But a socket to which nothing but pongs came is parked again at once: these
// are all that an idle client sends, and need neither a goroutine nor gws's buffers.
type idlePoller struct {
	running sync.WaitGroup

	mu     sync.Mutex
	file   *os.File  // the set in the runtime's poller: readable when a socket in it is; nil before the first one
	epoll  int       // its descriptor
	parked []*socket // by descriptor; it grows to as many as the process may have
	closed bool      // no socket can be parked any more
}

// pollBatch is how many sockets are unparked at once.
const pollBatch = 128

// open makes the set for the first socket. It reports whether there is one. The caller holds the lock.
func (p *idlePoller) open() bool {
	if p.file != nil || p.closed {
		return !p.closed
	}
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return false
	}
	_ = syscall.SetNonblock(epoll, true) // or the runtime's poller would not take it
	p.epoll, p.file = epoll, os.NewFile(uintptr(epoll), "idle sockets")
	raw, err := p.file.SyscallConn()
	if err != nil {
		p.closed = true
		return false
	}
	p.running.Go(func() { p.run(raw) })
	return true
}

// run starts the readers of sockets that have more than pongs to read, until close.
func (p *idlePoller) run(raw syscall.RawConn) {
	var events [pollBatch]syscall.EpollEvent
	buf := make([]byte, readBuffer)
	for {
		n := 0
		err := raw.Read(func(epoll uintptr) bool {
			n, _ = syscall.EpollWait(int(epoll), events[:], 0)
			return n > 0
		})
		if err != nil {
			return
		}
		for _, e := range events[:n] {
			if s := p.remove(int(e.Fd), nil); s != nil && !p.stays(s, buf) {
				go s.read()
			}
		}
	}
}

// close ends run and waits for it. Sockets that are still parked stay so.
func (p *idlePoller) close() {
	p.mu.Lock()
	p.closed = true
	if p.file != nil {
		_ = p.file.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

// park parks a socket. It reports false if it cannot; the caller is its reader still.
func (p *idlePoller) park(s *socket) (parked bool) {
	err := rawConn(s.conn).Control(func(fd uintptr) { // meanwhile no other connection can get this descriptor
		parked = p.parkHeld(s, int(fd))
	})
	return err == nil && parked
}

// parkHeld is park for a caller that holds the descriptor.
func (p *idlePoller) parkHeld(s *socket, fd int) (parked bool) {
	parked = p.arm(s, fd)
	if parked && s.ended.Load() { // it ended, perhaps too early for finish to find it here
		parked = p.remove(fd, s) == nil
	}
	return parked
}

// stays parks a socket again if nothing but pongs came. If it reports false, the caller is its reader.
func (p *idlePoller) stays(s *socket, buf []byte) (parked bool) {
	if s.closing.Load() != nil {
		return false
	}
	err := rawConn(s.conn).Control(func(fd uintptr) {
		if s.sealed {
			parked = heardSealedPongs(s, int(fd), buf) && p.parkHeld(s, int(fd))
			return
		}
		n, _ := syscall.Read(int(fd), buf) // at the end, or after an error, the reader meets it again
		parked = n > 0 && heardPongs(s, buf[:n]) && p.parkHeld(s, int(fd))
	})
	return err == nil && parked
}

// heardPongs handles what a parked socket has got, if that is nothing but pongs. Everything else it leaves to the
// reader. Parked means that no message or frame is unfinished.
func heardPongs(s *socket, b []byte) bool {
	if !onlyPongs(b) {
		s.buffered = append([]byte(nil), b...)
		return false
	}
	s.link.Heard()
	_, s.fault = s.guard.scan(b) // too many of them are a fault, too
	return s.fault == nil
}

// sealedReads is how many records the idlePoller decrypts for a socket before it leaves the rest to the reader.
const sealedReads = 4

// heardSealedPongs is heardPongs for a socket with TLS whose descriptor is held: it reports whether all that came is
// whole records with nothing but pongs, and perhaps the begin of another record. It does not block.
func heardSealedPongs(s *socket, fd int, buf []byte) bool {
	s.records.polled = fd
	defer func() { s.records.polled = 0 }()
	for range sealedReads {
		n, err := s.conn.Read(buf)
		switch {
		case n > 0 && !heardPongs(s, buf[:n]):
			return false
		case n > 0: // an error is met again by the next read
		case errors.Is(err, os.ErrDeadlineExceeded):
			freeBuffers(s.conn.(*tls.Conn))
			return true
		case err != nil:
			return false
		}
	}
	return false
}

// onlyPongs reports whether b holds whole pong frames of a client and nothing else.
func onlyPongs(b []byte) bool {
	const pong, masked, mask = 0x8a, 0x80, 4
	for len(b) > 0 {
		if len(b) < 2+mask || b[0] != pong || b[1] < masked || b[1] > masked|125 {
			return false
		}
		size := 2 + mask + int(b[1]&^masked)
		if len(b) < size {
			return false
		}
		b = b[size:]
	}
	return true
}

// arm waits for one event of a socket.
func (p *idlePoller) arm(s *socket, fd int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.open() {
		return false
	}
	for len(p.parked) <= fd {
		p.parked = append(p.parked, nil)
	}
	p.parked[fd] = s
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT, Fd: int32(fd)}
	err := syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_MOD, fd, &event)
	if err == syscall.ENOENT {
		err = syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_ADD, fd, &event)
	}
	if err != nil {
		p.parked[fd] = nil
	}
	return err == nil
}

// remove returns the socket that is parked with a descriptor, and forgets it; of two callers one gets it. If only is
// not nil, it has to be that socket.
func (p *idlePoller) remove(fd int, only *socket) *socket {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fd < 0 || fd >= len(p.parked) {
		return nil
	}
	s := p.parked[fd]
	if s == nil || only != nil && s != only {
		return nil
	}
	p.parked[fd] = nil
	return s
}

// unpark starts the reader of a socket that ends.
func (p *idlePoller) unpark(s *socket) {
	if p.remove(int(s.fd.number), s) != nil {
		go s.read()
	}
}
