package conformance

import (
	"bytes"

	"github.com/klauspost/compress/flate"
)

// tail ends each flush, and is left out of a message (RFC 7692 section 7.2.1).
const tail = "\x00\x00\xff\xff"

// deflate is the client's side of permessage-deflate.
type deflate struct {
	fresh  bool // each message is compressed by itself
	level  int
	window int // bytes that the client's compressor looks back
	writer *flate.Writer
	out    bytes.Buffer

	serverFresh bool
	inflater    inflater
}

// newDeflate keeps to the parameters that the server has chosen, and to a window of most bits.
func newDeflate(chosen offer, level, most int) *deflate {
	return &deflate{
		fresh: chosen.has(clientNoTakeover), level: level, window: 1 << min(chosen.bits(clientBits), most),
		serverFresh: chosen.has(serverNoTakeover), inflater: inflater{window: 1 << chosen.bits(serverBits)},
	}
}

// compress turns data into a message's payload.
func (d *deflate) compress(data []byte) []byte {
	d.out.Reset()
	switch {
	case d.writer == nil:
		d.writer = newWriter(&d.out, d.level, d.window)
	case d.fresh:
		d.writer.Reset(&d.out)
	}
	_, _ = d.writer.Write(data) // a buffer takes everything
	_ = d.writer.Flush()
	return withoutTail(d.out.Bytes())
}

// newWriter cannot fail with the levels and windows that are used here.
func newWriter(out *bytes.Buffer, level, window int) *flate.Writer {
	if window == 1<<15 {
		w, _ := flate.NewWriter(out, level)
		return w
	}
	w, _ := flate.NewWriterWindow(out, window)
	return w
}

// withoutTail is a flushed payload as it is sent; an empty one is a block by itself.
func withoutTail(b []byte) []byte {
	b = bytes.Clone(bytes.TrimSuffix(b, []byte(tail)))
	if len(b) == 0 {
		return []byte{0}
	}
	return b
}

// inflate turns a message's payload into data.
func (d *deflate) inflate(payload []byte) ([]byte, error) {
	if d.serverFresh {
		d.inflater.history = nil
	}
	return d.inflater.message(append(bytes.Clone(payload), tail...))
}
