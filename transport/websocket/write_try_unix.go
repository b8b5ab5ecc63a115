//go:build unix && !linux

package websocket

import "syscall"

// tryWrite is one write to a non-blocking socket. It returns syscall.EAGAIN if the kernel's buffer is full.
func tryWrite(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), b)
		if err == syscall.EINTR {
			continue
		}
		return max(n, 0), err
	}
}
