package loadgen

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// The codes of frames, and the bit that says that a message ends with its frame.
const (
	final    = 0x80
	text     = 1
	binaries = 2
	closing  = 8
	ping     = 9
	pong     = 10
)

// appendFrame appends a masked frame. The mask is zero, which is a mask like any other and leaves the payload as it is.
func appendFrame(dst []byte, op byte, payload string) []byte {
	dst = append(dst, final|op)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	dst = append(dst, 0, 0, 0, 0)
	return append(dst, payload...)
}

// maxFrame bounds a frame, in bytes; a server that batches at full speed may well fill a megabyte.
const maxFrame = 16 << 20

var (
	errTooLong    = errors.New("a frame of more than 16 MiB")
	errFragmented = errors.New("a fragmented message, which a generator cannot count")
)

// next splits the first frame off data; n == 0 means that the frame is incomplete. op has the bit compressed, too.
func next(data []byte) (op byte, payload []byte, n int, err error) {
	if len(data) < 2 {
		return 0, nil, 0, nil
	}
	if op = data[0] & (15 | compressed); op&15 == 0 || data[0]&final == 0 {
		return 0, nil, 0, errFragmented
	}
	length, head := uint64(data[1]&127), 2
	switch length {
	case 126:
		if len(data) < 4 {
			return 0, nil, 0, nil
		}
		length, head = uint64(binary.BigEndian.Uint16(data[2:])), 4
	case 127:
		if len(data) < 10 {
			return 0, nil, 0, nil
		}
		length, head = binary.BigEndian.Uint64(data[2:]), 10
	}
	if length > maxFrame {
		return 0, nil, 0, errTooLong
	}
	if n = head + int(length); len(data) < n {
		return 0, nil, 0, nil
	}
	return op, data[head:n], n, nil
}

// number returns the digits behind marker in data, and what follows them; ok is false if there are none.
func number(data, marker []byte) (value int64, rest []byte, ok bool) {
	i := bytes.Index(data, marker)
	if i < 0 {
		return 0, nil, false
	}
	for i += len(marker); i < len(data) && data[i] >= '0' && data[i] <= '9'; i++ {
		value, ok = value*10+int64(data[i]-'0'), true
	}
	return value, data[i:], ok
}
