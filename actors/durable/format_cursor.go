package durable

import "encoding/binary"

// cursor decodes what the append functions of encoding/binary and appendText have encoded. Once something is missing it
// has failed, and all that it returns is zero.
type cursor struct {
	rest   []byte
	failed bool
}

func (c *cursor) uvarint() uint64 {
	n, size := binary.Uvarint(c.rest)
	if size <= 0 {
		c.rest, c.failed = nil, true
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

// bytes returns a part of the input, not a copy.
func (c *cursor) bytes() []byte { return c.take(c.uvarint()) }

func (c *cursor) text() string { return string(c.bytes()) }

func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.rest)) {
		c.rest, c.failed = nil, true
		return nil
	}
	piece := c.rest[:n]
	c.rest = c.rest[n:]
	return piece
}

func (c *cursor) uint64() uint64 {
	if b := c.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) uint8() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}
