package conformance

import (
	"bytes"
	"compress/flate"
	"io"

	kflate "github.com/klauspost/compress/flate"
)

// squeezer is the compressor of a connection.
type squeezer struct {
	out    bytes.Buffer
	writer *kflate.Writer
	ended  bool   // a final block has come
	heard  []byte // the last of what was inflated
}

func (c *referenceConn) deflate(data []byte) []byte {
	s := &c.squeeze
	s.out.Reset()
	bits := c.chosen.bits(serverBits)
	switch {
	case s.writer != nil && c.chosen.has(serverNoTakeover) && !c.is("keep-context"):
		s.writer.Reset(&s.out)
	case s.writer != nil:
	case c.is("ignore-window") || bits == 15:
		s.writer, _ = kflate.NewWriter(&s.out, 6)
	default:
		s.writer, _ = kflate.NewWriterWindow(&s.out, 1<<bits)
	}
	s.writer.Write(data)
	s.writer.Flush()
	return bytes.Clone(bytes.TrimSuffix(s.out.Bytes(), []byte("\x00\x00\xff\xff")))
}

// inflate wants a message to end where a block does: a last, empty one is added to it.
func (c *referenceConn) inflate(payload []byte) ([]byte, error) {
	s := &c.squeeze
	if c.chosen.has(clientNoTakeover) || c.is("forget-context") {
		s.heard = nil
	}
	in := bytes.NewReader(append(payload, "\x00\x00\xff\xff\x01\x00\x00\xff\xff"...))
	limit := c.limit
	if c.is("inflate-without-limit") {
		limit = 1 << 30
	}
	var out []byte
	blocks := 0
	for ; in.Len() > 0; blocks++ {
		dictionary := append(bytes.Clone(s.heard), out...)
		r := flate.NewReaderDict(in, dictionary[max(0, len(dictionary)-1<<15):])
		some, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
		out = append(out, some...)
		switch {
		case len(out) > limit:
			return nil, broke(1009)
		case err != nil && c.is("echo-garbage"):
			return out, nil
		case err != nil:
			return nil, broke(1007)
		case in.Len() > 0 && c.is("refuse-final-blocks"), s.ended && c.is("end-at-final-block"):
			return nil, broke(1007)
		}
	}
	s.ended = blocks > 1
	s.heard = append(s.heard, out...)
	s.heard = s.heard[max(0, len(s.heard)-1<<15):]
	return out, nil
}
