package fastpath

import (
	"net"
	"syscall"
)

// readWaiting reads what has arrived already, and returns how many bytes; 0 if nothing has, or if that is not known.
func readWaiting(conn net.Conn, p []byte) (n int) {
	control(conn, func(fd uintptr) { n, _, _ = syscall.Recvfrom(int(fd), p, syscall.MSG_DONTWAIT) })
	return max(n, 0)
}

// writeLast writes the last bytes of a connection and closes its half. The bytes travel in one packet with the end of
// the stream, where a Write and a Close send one each, both of which wake the client.
func writeLast(conn net.Conn, p []byte) error {
	n := 0
	control(conn, func(fd uintptr) {
		n, _ = syscall.SendmsgN(int(fd), p, nil, nil, syscall.MSG_MORE|syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
	})
	if n = max(n, 0); n < len(p) { // it is no TCP, or the kernel's buffer is full
		if _, err := conn.Write(p[n:]); err != nil {
			return err
		}
	}
	if socket, ok := conn.(*net.TCPConn); ok {
		return socket.CloseWrite()
	}
	return nil
}

// control calls do with the descriptor of a plain TCP connection, and not at all with another.
func control(conn net.Conn, do func(fd uintptr)) {
	if socket, ok := conn.(*net.TCPConn); ok {
		if raw, err := socket.SyscallConn(); err == nil {
			_ = raw.Control(do)
		}
	}
}
