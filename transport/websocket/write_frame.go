package websocket

import (
	"encoding/binary"

	"github.com/parley-realtime/parley/actors/outbox"
)

// shareAbove is the size from which a frame's header and data are joined once for all receivers and then written from
// there; smaller frames are copied into the writer's buffer.
const shareAbove = 16 << 10

// frameFormat is how frames are written to a socket.
type frameFormat struct {
	window    window // of the compressed form
	threshold int    // bytes of data from which a frame is compressed
}

// compressed reports whether f is written in its compressed form.
func (format frameFormat) compressed(f *outbox.Frame) bool {
	return format.window != noWindow && f.Op <= outbox.Binary && len(f.Data) >= format.threshold
}

// size is how many bytes f has on the wire.
func (format frameFormat) size(f *outbox.Frame) int {
	if format.compressed(f) {
		return len(format.window.deflated(f))
	}
	switch n := len(f.Data); {
	case n < 126:
		return n + 2
	case n < 1<<16:
		return n + 4
	default:
		return n + 10
	}
}

// append adds the bytes of f on the wire to dst.
func (format frameFormat) append(dst []byte, f *outbox.Frame) []byte {
	if format.compressed(f) {
		return append(dst, format.window.deflated(f)...)
	}
	return append(appendHeader(dst, byte(f.Op), len(f.Data)), f.Data...)
}

// appendHeader adds the header of an unfragmented frame from a server.
func appendHeader(dst []byte, op byte, n int) []byte {
	switch {
	case n < 126:
		return append(dst, 0x80|op, byte(n))
	case n < 1<<16:
		return append(dst, 0x80|op, 126, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0x80|op, 127), uint64(n))
}

// plain is a frame's form without compression: header and data.
func plain(f *outbox.Frame) []byte {
	return append(appendHeader(make([]byte, 0, len(f.Data)+10), byte(f.Op), len(f.Data)), f.Data...)
}
