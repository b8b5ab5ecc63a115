package main

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
)

// maxBody is how long a published body may be, in bytes: what a frame's 16 bits of length can say.
const maxBody = 1<<16 - 1

// appendFrame appends body, of at most maxBody bytes, as a text frame.
func appendFrame(dst, body []byte) []byte {
	dst = append(dst, 0x81)
	if len(body) < 126 {
		dst = append(dst, byte(len(body)))
	} else {
		dst = binary.BigEndian.AppendUint16(append(dst, 126), uint16(len(body)))
	}
	return append(dst, body...)
}

// appendHandshake appends the answer to a handshake with this Sec-WebSocket-Key.
func appendHandshake(dst, key []byte) []byte {
	sum := sha1.Sum(append(append([]byte(nil), key...), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "+
		"Upgrade\r\nSec-WebSocket-Accept: "...)
	return append(base64.StdEncoding.AppendEncode(dst, sum[:]), "\r\n\r\n"...)
}
