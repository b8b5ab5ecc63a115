package main

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// connection is one socket, of a client or of a publisher. The loop owns it.
type connection struct {
	fd      int
	socket  bool   // it is a WebSocket
	index   int    // of a WebSocket in loop.sockets
	waiting bool   // for the answer to a publish
	last    bool   // it closes when all is written
	in      []byte // requests that are not whole or not answered yet: at most one read
	frame   []byte // of the publish that it waits for
	rest    []byte // what the kernel had no room for; counted in loop.queued
	watched uint32 // the epoll events that it is registered for
}

// reads reports whether the loop may read from the connection now. It does not read from a publisher before it has
// answered it, so that further requests stay in the kernel.
func (c *connection) reads() bool {
	return c.socket || !c.waiting && !c.last && len(c.rest) == 0
}

// interest are the epoll events to register for.
func (c *connection) interest() uint32 {
	var events uint32
	if c.reads() {
		events = unix.EPOLLIN | unix.EPOLLRDHUP
	}
	if len(c.rest) > 0 {
		events |= unix.EPOLLOUT
	}
	return events
}

// write writes data and returns how many bytes the kernel took; ok is false if the socket is broken. It writes nothing
// while earlier bytes wait.
func (c *connection) write(data []byte) (n int, ok bool) {
	if len(c.rest) > 0 {
		return 0, true
	}
	return write(c.fd, data)
}

// flush writes the bytes that wait, and returns how many of them the kernel took.
func (c *connection) flush() (n int, ok bool) {
	n, ok = write(c.fd, c.rest)
	if n == len(c.rest) {
		c.rest = nil
	} else {
		c.rest = c.rest[:copy(c.rest, c.rest[n:])]
	}
	return n, ok
}

// write is write(2) without Go's scheduler, since the sockets do not block.
func write(fd int, data []byte) (n int, ok bool) {
	taken, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)))
	if errno != 0 {
		return 0, errno == syscall.EAGAIN || errno == syscall.EINTR
	}
	return int(taken), true
}
