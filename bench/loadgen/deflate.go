package loadgen

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
)

// compressed is the bit of a frame's first byte that says that its message is compressed (RSV1).
const compressed = 0x40

// deflateOffer asks for compression that needs nothing of the messages before.
const deflateOffer = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; " +
	"client_no_context_takeover\r\n"

// deflateTail ends what RFC 7692 leaves without an end: the empty block that the sender took off, and a last one.
const deflateTail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

// inflater inflates messages. It knows the last few: all subscribers of a topic get the same bytes, and the generator
// shall not need the machine that the server needs.
type inflater struct {
	recent [8]inflated
	next   int
	from   io.ReadCloser // a flate.Resetter
}

type inflated struct{ packed, plain []byte }

var errInflate = errors.New("a compressed message that cannot be read")

// inflate returns a message, which the next call may overwrite.
func (f *inflater) inflate(packed []byte) ([]byte, error) {
	for i := range f.recent {
		if len(packed) > 0 && bytes.Equal(f.recent[i].packed, packed) {
			return f.recent[i].plain, nil
		}
	}
	in := io.MultiReader(bytes.NewReader(packed), bytes.NewReader([]byte(deflateTail)))
	if f.from == nil {
		f.from = flate.NewReader(in)
	} else if err := f.from.(flate.Resetter).Reset(in, nil); err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(f.from, maxFrame+1))
	if err != nil || len(plain) > maxFrame {
		return nil, errors.Join(errInflate, err)
	}
	f.recent[f.next] = inflated{bytes.Clone(packed), plain}
	f.next = (f.next + 1) % len(f.recent)
	return plain, nil
}
