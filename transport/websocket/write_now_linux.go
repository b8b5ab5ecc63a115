package websocket

import (
	"syscall"
	"unsafe"
)

// writeNow is one write to a non-blocking socket.
//
// It does not tell the scheduler, since it cannot block: told, the runtime would look after each of these writes every
// 20 us (sysmon), take the processor away from the worker in the middle of some, and look for one again after them. And
// it is a send, which spares the kernel what write does for files (5 % of it; bench/NOTES.md).
func writeNow(fd uintptr, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
			syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
