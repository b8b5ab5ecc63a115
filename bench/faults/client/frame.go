package client

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// The codes of frames, and the bits in front of them.
const (
	Continuation = 0
	Text         = 1
	Binary       = 2
	Close        = 8
	Ping         = 9
	Pong         = 10
	Final        = 0x80
	Compressed   = 0x40
)

// maxFrame bounds a frame from the server, in bytes.
const maxFrame = 16 << 20

// Frame is a masked frame; head holds its code and bits. The mask is zero, which leaves the payload as it is.
func Frame(head byte, payload []byte) []byte {
	return append(Header(head, uint64(len(payload))), payload...)
}

// Header is the head of a frame with so many bytes, which may never come.
func Header(head byte, length uint64) []byte {
	frame := []byte{head}
	switch {
	case length < 126:
		frame = append(frame, 0x80|byte(length))
	case length < 1<<16:
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(length))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 0x80|127), length)
	}
	return append(frame, 0, 0, 0, 0)
}

// Send sends a text message.
func (c *Client) Send(text string) error {
	_, err := c.Write(Frame(Final|Text, []byte(text)))
	return err
}

// errClosed says that the server said goodbye.
var errClosed = errors.New("the server closed")

// Next reads a frame and answers it if it is a ping. The payload is valid until the next call. A close frame is an
// error, and Code and Why then hold its content.
func (c *Client) Next() (op byte, payload []byte, err error) {
	if op, payload, err = c.read(); err != nil {
		return 0, nil, err
	}
	switch op {
	case Ping:
		_, err = c.Write(Frame(Final|Pong, payload))
	case Close:
		if len(payload) >= 2 {
			c.Code, c.Why = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
		}
		_, _ = c.Write(Frame(Final|Close, payload)) // it may be gone already
		err = fmt.Errorf("%w with %d %s", errClosed, c.Code, c.Why)
	}
	return op, payload, err
}

func (c *Client) read() (op byte, payload []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(c.in, head[:2]); err != nil {
		return 0, nil, err
	}
	op, length := head[0]&15, uint64(head[1]&127)
	switch length {
	case 126:
		_, err = io.ReadFull(c.in, head[:2])
		length = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		_, err = io.ReadFull(c.in, head[:8])
		length = binary.BigEndian.Uint64(head[:8])
	}
	if err != nil {
		return 0, nil, err
	}
	if length > maxFrame {
		return 0, nil, fmt.Errorf("a frame of %d bytes", length)
	}
	if uint64(cap(c.buf)) < length {
		c.buf = make([]byte, length)
	}
	c.buf = c.buf[:length]
	_, err = io.ReadFull(c.in, c.buf)
	return op, c.buf, err
}

// buffer bounds what the kernel takes for a socket.
func buffer(bytes int) func(string, string, syscall.RawConn) error {
	if bytes == 0 {
		return nil
	}
	return func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) {
			failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
		})
		return errors.Join(err, failed)
	}
}
