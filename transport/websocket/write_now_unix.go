//go:build unix && !linux

package websocket

import "syscall"

// writeNow is one write to a non-blocking descriptor.
func writeNow(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), b)
		if err == syscall.EINTR {
			continue
		}
		return max(n, 0), err
	}
}
