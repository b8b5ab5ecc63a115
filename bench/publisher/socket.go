package publisher

import (
	"fmt"
	"io"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// socket is a connection whose reader waits in the kernel.
//
// With the runtime's poller a publisher got its answer up to 10 ms late: the clients' thread and the naps of another
// publisher are system calls, each of which holds a processor, and no thread was left to poll. The faster a server
// answered, the more the delay struck it: a publisher that finds the answer there when it has written never goes by the
// scheduler (bench/NOTES.md).
type socket struct{ fd int }

// dial connects to an address on loopback.
func dial(address string) (*socket, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !to.Addr().Is4() {
		return nil, fmt.Errorf("the server's address must be IPv4, not %q", address)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	s := &socket{fd}
	if err := s.connect(to); err != nil {
		s.close()
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return s, nil
}

// connect connects, and bounds all waits. The timeouts come last: with them a signal would end the system call of
// connecting.
func (s *socket) connect(to netip.AddrPort) error {
	const attempts = 3 // to be heard, of 1, 2 and 4 s
	wait := unix.NsecToTimeval(timeout.Nanoseconds())
	if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_SYNCNT, attempts); err != nil {
		return err
	}
	if err := unix.Connect(s.fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return err
	}
	if err := unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return err
	}
	return unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &wait)
}

// Read implements io.Reader.
func (s *socket) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(s.fd, p)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return 0, fmt.Errorf("nothing came for %s", timeout)
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// write writes all of p.
func (s *socket) write(p []byte) error {
	for len(p) > 0 {
		n, err := syscall.Write(s.fd, p)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return fmt.Errorf("the server took nothing for %s", timeout)
		case err != nil:
			return err
		}
		p = p[n:]
	}
	return nil
}

func (s *socket) close() { unix.Close(s.fd) }
