package websocket

import (
	"syscall"
	"unsafe"
)

// tryWrite is one write to a non-blocking socket. It returns syscall.EAGAIN if the kernel's buffer is full.
//
// It does not tell the scheduler of the system call, since it cannot block. If it did, the runtime would look after
// each of these writes every 20 us (sysmon), take the processor away from the writer in the middle of some, and look
// for one again after them. And it is a send, which spares the kernel what a write does for files (5 % of it;
// bench/NOTES.md).
func tryWrite(fd uintptr, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))),
			uintptr(len(b)), syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
