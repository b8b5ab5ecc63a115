package websocket

import "github.com/parley-realtime/parley/actors/outbox"

// takeBytes is how much is taken from an outbox, and written to a socket, at once.
const takeBytes = 64 << 10

// batch is what is being written to one socket.
type batch struct {
	frames  []*outbox.Frame // not yet written whole
	written int             // bytes of the first one that are written
	closes  bool            // it is the close frame
}

// bytes returns what is left of the batch. It joins the frames in buf, except a single frame larger than shareAbove:
// frames of this size come alone, or together fit into buf (see outbox.Outbox.Take).
func (b *batch) bytes(buf []byte, format frameFormat) []byte {
	if len(b.frames) == 1 && len(b.frames[0].Data) > shareAbove {
		if f := b.frames[0]; format.compressed(f) {
			return format.window.deflated(f)[b.written:]
		} else {
			return f.Form(int(noWindow), plain)[b.written:]
		}
	}
	buf = buf[:0]
	for _, f := range b.frames {
		buf = format.append(buf, f)
	}
	return buf[b.written:]
}

// advance notes that n more bytes were written and returns the frames that are whole now.
func (b *batch) advance(n int, format frameFormat) (whole []*outbox.Frame) {
	n += b.written
	i := 0
	for ; i < len(b.frames); i++ {
		size := format.size(b.frames[i])
		if n < size {
			break
		}
		n -= size
	}
	whole = b.frames[:i]
	b.frames, b.written = b.frames[i:], n
	return whole
}
