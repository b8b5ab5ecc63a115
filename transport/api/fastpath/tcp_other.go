//go:build !linux

package fastpath

import "net"

// readWaiting reads what has arrived already. Here that is not known, and net/http's goroutine waits for it.
func readWaiting(net.Conn, []byte) int { return 0 }

// writeLast writes the last bytes of a connection, which is closed then.
func writeLast(conn net.Conn, p []byte) error {
	_, err := conn.Write(p)
	return err
}
