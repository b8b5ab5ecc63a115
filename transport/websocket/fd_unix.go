//go:build unix

package websocket

import (
	"io"
	"net"
	"os"
	"syscall"
)

// rawConn gives access to conn's descriptor, for writes that do not block; nil if there is none.
func rawConn(conn net.Conn) syscall.RawConn {
	if r := recordsOf(conn); r != nil {
		conn = r.Conn
	}
	if c, ok := conn.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// fdOf is conn's descriptor if it can be written to without blocking, 0 if not. It is valid until conn is closed.
func fdOf(conn net.Conn) (fd int32) {
	if raw := rawConn(conn); raw != nil {
		_ = raw.Control(func(number uintptr) { fd = int32(number) })
	}
	return fd
}

// canRead reports whether a read of a non-blocking socket would find something, if only the end of the stream.
func canRead(fd uintptr) bool {
	var b [1]byte
	for {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		if err != syscall.EINTR {
			return !wouldBlock(err)
		}
	}
}

// readNow reads from a non-blocking socket. If nothing is there it is os.ErrDeadlineExceeded, which is temporary to
// crypto/tls: what that has of a record, it keeps.
func readNow(fd int, p []byte) (int, error) {
	switch n, err := syscall.Read(fd, p); {
	case wouldBlock(err) || err == syscall.EINTR:
		return 0, os.ErrDeadlineExceeded
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	default:
		return n, nil
	}
}

func wouldBlock(err error) bool {
	return err == syscall.EAGAIN
}

// fdLimit is how many files the process may have open.
func fdLimit() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 1024
	}
	return int(min(limit.Cur, 1<<30))
}
