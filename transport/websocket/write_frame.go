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
	return (format.window == wideWindow || format.window == narrowWindow) && f.Op <= outbox.Binary &&
		f.Bytes() >= format.threshold
}

// size is how many bytes f, with the frames that follow it, has on the wire.
func (format frameFormat) size(f *outbox.Frame) int {
	if format.compressed(f) {
		return len(format.window.deflated(f))
	}
	if format.window == unframed {
		return len(streamed(f))
	}
	size := plainSize(len(f.Data))
	for next := f.Next; next != nil; next = next.Next {
		size += plainSize(len(next.Data))
	}
	return size
}

// plainSize is how many bytes a frame with n bytes of data has without compression.
func plainSize(n int) int {
	switch {
	case n < 126:
		return n + 2
	case n < 1<<16:
		return n + 4
	default:
		return n + 10
	}
}

// append adds the bytes of f, with the frames that follow it, on the wire to dst.
func (format frameFormat) append(dst []byte, f *outbox.Frame) []byte {
	if format.compressed(f) {
		return append(dst, format.window.deflated(f)...)
	}
	if format.window == unframed {
		return append(dst, streamed(f)...)
	}
	return appendPlain(dst, f)
}

func appendPlain(dst []byte, f *outbox.Frame) []byte {
	dst = append(appendHeader(dst, byte(f.Op), len(f.Data)), f.Data...)
	for next := f.Next; next != nil; next = next.Next {
		dst = append(appendHeader(dst, byte(next.Op), len(next.Data)), next.Data...)
	}
	return dst
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

// plain is a frame's form without compression: header and data, with the frames that follow it.
func plain(f *outbox.Frame) []byte { return appendPlain(make([]byte, 0, frameFormat{}.size(f)), f) }
