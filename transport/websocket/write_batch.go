package websocket

import "github.com/parley-realtime/parley/actors/outbox"

// takeBytes is how much is taken from an outbox, and written to a socket, at once.
const takeBytes = 64 << 10

// batch is what is being written to one socket.
type batch struct {
	frames  []*outbox.Frame // not yet written whole
	written int             // bytes of the first one that are written
	closes  bool            // it is the close frame
	records []byte          // with TLS, what is left of the records that were made; they go before all else
	plain   int             // bytes of the frames that are in these records
}

// empty reports whether nothing of it is left.
func (b *batch) empty() bool { return len(b.frames) == 0 && len(b.records) == 0 }

// bytes returns what is left of the batch. It joins the frames in buf, except a single frame larger than shareAbove:
// frames of this size come alone, or together fit into buf (see outbox.Outbox.Take).
func (b *batch) bytes(buf []byte, format frameFormat) []byte {
	if len(b.frames) == 1 && b.frames[0].Bytes() > shareAbove {
		switch f := b.frames[0]; {
		case format.compressed(f):
			return format.window.deflated(f)[b.written:]
		case format.window == unframed:
			return streamed(f)[b.written:]
		default:
			return f.Form(int(noWindow), plain)[b.written:]
		}
	}
	buf = buf[:0]
	for _, f := range b.frames {
		buf = format.append(buf, f)
	}
	return buf[b.written:]
}

// advance notes that n more bytes were written, of records if there are some, and returns the frames that are whole
// now.
func (b *batch) advance(n int, format frameFormat) (whole []*outbox.Frame) {
	if len(b.records) > 0 {
		if b.records = b.records[n:]; len(b.records) > 0 {
			return nil
		}
		n, b.plain = b.plain, 0
	}
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
