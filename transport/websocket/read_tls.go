package websocket

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"unsafe"
)

// tlsBuffers are the offsets of two buffers in a tls.Conn: what came and is not decrypted, and messages of the
// handshake. Both keep the size of the largest message of the handshake for as long as the connection lives, 3.5 KB
// with a client that offers a key share of ML-KEM as browsers do, and crypto/tls has no call that frees them. Of a
// crypto/tls in which they are not what they are today, none is touched.
var tlsBuffers = bufferOffsets("rawInput", "hand")

func bufferOffsets(names ...string) (offsets []uintptr) {
	for _, name := range names {
		f, ok := reflect.TypeFor[tls.Conn]().FieldByName(name)
		if ok && f.Type == reflect.TypeFor[bytes.Buffer]() {
			offsets = append(offsets, f.Offset)
		}
	}
	return offsets
}

// freeBuffers frees the buffers of a connection that hold nothing. Only its reader may call it, while it does not read;
// the next read makes a buffer of the size that it needs. Data that was decrypted, and not read yet, stays: crypto/tls
// has a reference of its own to it.
func freeBuffers(conn *tls.Conn) {
	for _, offset := range tlsBuffers {
		if b := (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(conn), offset)); b.Len() == 0 {
			*b = bytes.Buffer{}
		}
	}
}

// Read implements net.Conn. For the idlePoller it does not block.
func (r *recordConn) Read(p []byte) (int, error) {
	if r.polled == 0 {
		return r.Conn.Read(p)
	}
	return readNow(r.polled, p)
}
