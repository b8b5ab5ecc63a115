package api

import (
	"io"
	"net"
	"time"
)

// body is the body of a request on the shortcut: what came with the head, and then what is still to come.
type body struct {
	conn  net.Conn
	here  []byte
	there int       // bytes to come
	until time.Time // when they have to be here
	timed bool      // the connection knows
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (n int, err error) {
	if len(b.here) > 0 {
		n = copy(p, b.here)
		if b.here = b.here[n:]; len(b.here) == 0 && b.there == 0 {
			err = io.EOF
		}
		return n, err
	}
	if b.there == 0 {
		return 0, io.EOF
	}
	if err := b.time(); err != nil {
		return 0, err
	}
	n, err = b.conn.Read(p[:min(len(p), b.there)])
	if b.there -= n; err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// time sets the connection's timeout, once.
func (b *body) time() error {
	if b.timed {
		return nil
	}
	b.timed = true
	return b.conn.SetReadDeadline(b.until)
}

// Close implements io.Closer.
func (b *body) Close() error { return nil }

// drain reads what nobody wanted, so that the next request can come.
func (b *body) drain() error {
	if b.there == 0 {
		return nil
	}
	if b.until.IsZero() { // nobody looked at it
		b.until = time.Now().Add(slack)
	}
	_, err := io.Copy(io.Discard, b)
	return err
}
