package websocket

import (
	"os"
	"sync"
	"syscall"
)

// lounge is where the sockets of silent clients wait for something to read, all of them with one goroutine. A goroutine each, which
// only waits, costs 2.5 KiB: more than all else that an idle connection has (bench/NOTES.md).
//
// It is an epoll set of its own beside the runtime's. A socket is armed for one event; whoever takes it out of the lounge, the event
// or the socket's end, starts its reader.
type lounge struct {
	running sync.WaitGroup

	mu     sync.Mutex
	file   *os.File  // the set, in the runtime's poller: it is ready to read when a socket in it is; nil before the first guest
	epoll  int       // its descriptor
	guests []*socket // by descriptor, as many as the process may have
	ended  bool      // nobody is seated any more
}

// loungeEvents is how many sockets are woken at once.
const loungeEvents = 128

// open makes the set for the first guest. The caller holds the lock.
func (l *lounge) open() bool {
	if l.file != nil || l.ended {
		return !l.ended
	}
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return false
	}
	_ = syscall.SetNonblock(epoll, true) // or the runtime's poller would not take it
	l.epoll, l.file = epoll, os.NewFile(uintptr(epoll), "lounge")
	raw, err := l.file.SyscallConn()
	if err != nil {
		l.ended = true
		return false
	}
	l.running.Go(func() { l.run(raw) })
	return true
}

// run wakes sockets that have something to read, until close.
func (l *lounge) run(raw syscall.RawConn) {
	var events [loungeEvents]syscall.EpollEvent
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
			if s := l.take(int(e.Fd), nil); s != nil {
				go s.read()
			}
		}
	}
}

// close ends run and waits for it. Sockets that still rest stay there.
func (l *lounge) close() {
	l.mu.Lock()
	l.ended = true
	if l.file != nil {
		_ = l.file.Close()
	}
	l.mu.Unlock()
	l.running.Wait()
}

// seat lets a socket rest. It reports false if it cannot; the caller is its reader still.
func (l *lounge) seat(s *socket) (seated bool) {
	err := rawConn(s.conn).Control(func(number uintptr) { // during which the descriptor is nobody else's
		fd := int(number)
		seated = l.arm(s, fd)
		if seated && s.over.Load() { // it ended, perhaps too early for finish to find it here
			seated = l.take(fd, s) == nil
		}
	})
	return err == nil && seated
}

// arm waits for one event of a socket.
func (l *lounge) arm(s *socket, fd int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.open() {
		return false
	}
	for len(l.guests) <= fd {
		l.guests = append(l.guests, nil)
	}
	l.guests[fd] = s
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT, Fd: int32(fd)}
	err := syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_MOD, fd, &event)
	if err == syscall.ENOENT {
		err = syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, fd, &event)
	}
	if err != nil {
		l.guests[fd] = nil
	}
	return err == nil
}

// take takes who rests on a descriptor out of the lounge; of two who want the same guest one gets it. only is whom it has to be, nil
// is anyone.
func (l *lounge) take(fd int, only *socket) *socket {
	l.mu.Lock()
	defer l.mu.Unlock()
	if fd < 0 || fd >= len(l.guests) {
		return nil
	}
	s := l.guests[fd]
	if s == nil || only != nil && s != only {
		return nil
	}
	l.guests[fd] = nil
	return s
}

// wake takes a socket that ends out of the lounge.
func (l *lounge) wake(s *socket) {
	if l.take(int(s.handle.fd), s) != nil {
		go s.read()
	}
}
