package swarm

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// appendText appends a masked text frame. The mask is zero, which is a mask like any other and leaves the text as it is.
func appendText(dst []byte, text string) []byte { return appendFrame(dst, 0x81, text) }

func appendFrame(dst []byte, head byte, text string) []byte {
	dst = append(dst, head)
	switch n := len(text); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	default:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	}
	dst = append(dst, 0, 0, 0, 0)
	return append(dst, text...)
}

var errTooLong = errors.New("a frame of more than 64 KiB")

// next splits the first frame off data. A nil payload with n == 0 says that it is not whole yet.
func next(data []byte) (op byte, payload []byte, n int, err error) {
	if len(data) < 2 {
		return 0, nil, 0, nil
	}
	length, head := int(data[1]&127), 2
	switch length {
	case 126:
		if len(data) < 4 {
			return 0, nil, 0, nil
		}
		length, head = int(binary.BigEndian.Uint16(data[2:])), 4
	case 127:
		return 0, nil, 0, errTooLong
	}
	if len(data) < head+length {
		return 0, nil, 0, nil
	}
	return data[0] & 15, data[head : head+length], head + length, nil
}

// number returns the digits behind marker in data; ok is false if there are none.
func number(data, marker []byte) (value int64, ok bool) {
	i := bytes.Index(data, marker)
	if i < 0 {
		return 0, false
	}
	for _, c := range data[i+len(marker):] {
		if c < '0' || c > '9' {
			break
		}
		value, ok = value*10+int64(c-'0'), true
	}
	return value, ok
}
