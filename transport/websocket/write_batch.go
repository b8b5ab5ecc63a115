package websocket

import (
	"encoding/binary"

	"github.com/parley-realtime/parley/actors/outbox"
)

const (
	// takeBytes is how much is written to a socket at once.
	takeBytes = 64 << 10

	// shareAbove is the size from which a frame's header and data are joined once for all receivers and then written from there;
	// smaller frames are copied into the writer's buffer.
	shareAbove = 16 << 10
)

// batch is what is being written to one socket.
type batch struct {
	frames []*outbox.Frame // not yet written whole
	skip   int             // bytes of the first one that are written
	last   bool            // it is the close frame
}

// style is how a socket's frames look on the wire.
type style struct {
	window    window // for which data is compressed
	threshold int    // bytes from which it is
}

// compressed reports whether f goes out in its compressed form.
func (st style) compressed(f *outbox.Frame) bool {
	return st.window != noWindow && f.Op <= outbox.Binary && len(f.Data) >= st.threshold
}

// size is how many bytes f has on the wire.
func (st style) size(f *outbox.Frame) int {
	if st.compressed(f) {
		return len(st.window.deflated(f))
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

// append adds f as it looks on the wire.
func (st style) append(dst []byte, f *outbox.Frame) []byte {
	if st.compressed(f) {
		return append(dst, st.window.deflated(f)...)
	}
	return append(appendHeader(dst, byte(f.Op), len(f.Data)), f.Data...)
}

// bytes returns what is left of the batch, from buf if it had to be put together. Frames larger than shareAbove are alone in a batch
// or small enough for buf together (see outbox.Outbox.Take).
func (b *batch) bytes(buf []byte, st style) []byte {
	if len(b.frames) == 1 && len(b.frames[0].Data) > shareAbove {
		if f := b.frames[0]; st.compressed(f) {
			return st.window.deflated(f)[b.skip:]
		} else {
			return f.Form(int(noWindow), plain)[b.skip:]
		}
	}
	buf = buf[:0]
	for _, f := range b.frames {
		buf = st.append(buf, f)
	}
	return buf[b.skip:]
}

// advance notes that n more bytes were written and returns the frames that are whole now.
func (b *batch) advance(n int, st style) (whole []*outbox.Frame) {
	n += b.skip
	i := 0
	for ; i < len(b.frames); i++ {
		size := st.size(b.frames[i])
		if n < size {
			break
		}
		n -= size
	}
	whole = b.frames[:i]
	b.frames, b.skip = b.frames[i:], n
	return whole
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
