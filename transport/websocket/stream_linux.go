package websocket

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// vanishedAfter is how long the kernel waits for a client to acknowledge what was written to it. The clients of streams
// answer no pings; the comments that are written instead of these, every 25 s by default, find who is not there any
// more. So one is gone within 52 s, as with WebSockets.
const vanishedAfter = 27 * time.Second

// endVanished has the kernel end a connection whose peer acknowledges nothing for vanishedAfter.
func endVanished(conn net.Conn) {
	if raw := rawConn(conn); raw != nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(vanishedAfter.Milliseconds()))
		})
	}
}
