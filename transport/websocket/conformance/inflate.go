package conformance

import (
	"encoding/binary"
	"errors"
)

// inflater reads DEFLATE (RFC 1951). Unlike other readers it refuses references beyond the window that the server has
// agreed to.
type inflater struct {
	window  int    // bytes that a reference may reach back
	history []byte // the last bytes of earlier messages
	in      []byte
	bits    uint32
	have    int // bits in bits
	out     []byte
}

const (
	inflateLimit = 1 << 28 // bytes of one message
	farthest     = 1 << 15
)

var (
	errTruncated = errors.New("the data end inside of a block")
	errCode      = errors.New("a bad Huffman code")
	errWindow    = errors.New("a reference further back than the window or the data")
	errInflated  = errors.New("the message inflates without end")
)

// message inflates the blocks of one message.
func (d *inflater) message(payload []byte) ([]byte, error) {
	d.in, d.bits, d.have = payload, 0, 0
	d.out = append([]byte(nil), d.history...)
	for len(d.in) > 0 {
		if err := d.block(); err != nil {
			return nil, err
		}
	}
	data := d.out[len(d.history):]
	d.history = d.out[max(0, len(d.out)-farthest):]
	return data, nil
}

// block inflates one block. After a final one the next begins at a byte.
func (d *inflater) block() error {
	head, err := d.take(3)
	if err != nil {
		return err
	}
	switch head >> 1 {
	case 0:
		err = d.stored()
	case 1:
		err = d.symbols(&fixedLiterals, &fixedDistances)
	case 2:
		var literals, distances huffman
		if literals, distances, err = d.tables(); err == nil {
			err = d.symbols(&literals, &distances)
		}
	default:
		return errors.New("a block of the reserved type")
	}
	if head&1 != 0 {
		d.bits, d.have = 0, 0
	}
	return err
}

// take reads n bits, the lowest first.
func (d *inflater) take(n int) (int, error) {
	for d.have < n {
		if len(d.in) == 0 {
			return 0, errTruncated
		}
		d.bits |= uint32(d.in[0]) << d.have
		d.in, d.have = d.in[1:], d.have+8
	}
	v := d.bits & (1<<n - 1)
	d.bits >>= n
	d.have -= n
	return int(v), nil
}

func (d *inflater) stored() error {
	d.bits, d.have = 0, 0
	if len(d.in) < 4 {
		return errTruncated
	}
	n := binary.LittleEndian.Uint16(d.in)
	if n != ^binary.LittleEndian.Uint16(d.in[2:]) {
		return errors.New("a stored block with a wrong length")
	}
	if d.in = d.in[4:]; len(d.in) < int(n) {
		return errTruncated
	}
	d.out = append(d.out, d.in[:n]...)
	d.in = d.in[n:]
	return d.bounded()
}

func (d *inflater) bounded() error {
	if len(d.out) > inflateLimit {
		return errInflated
	}
	return nil
}

// symbols inflates a block of literals and references.
func (d *inflater) symbols(literals, distances *huffman) error {
	for {
		symbol, err := d.symbol(literals)
		switch {
		case err != nil:
			return err
		case symbol < 256:
			d.out = append(d.out, byte(symbol))
		case symbol == 256:
			return d.bounded()
		case symbol > 285:
			return errCode
		default:
			if err := d.reference(symbol-257, distances); err != nil {
				return err
			}
		}
	}
}

var (
	lengthBase = [29]int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
		163, 195, 227, 258}
	lengthBits   = [29]int{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distanceBase = [30]int{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537,
		2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distanceBits = [30]int{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12,
		13, 13}
)

// reference copies bytes that were inflated before.
func (d *inflater) reference(code int, distances *huffman) error {
	more, err := d.take(lengthBits[code])
	if err != nil {
		return err
	}
	length := lengthBase[code] + more
	if code, err = d.symbol(distances); err != nil {
		return err
	}
	if code >= len(distanceBase) {
		return errCode
	}
	if more, err = d.take(distanceBits[code]); err != nil {
		return err
	}
	back := distanceBase[code] + more
	if back > d.window || back > len(d.out) {
		return errWindow
	}
	for range length {
		d.out = append(d.out, d.out[len(d.out)-back])
	}
	return d.bounded()
}
