package fastpath

import (
	"io"
	"net"
	"time"
)

// requestBody is the body of a request: what came with the head, and then what is still to come.
type requestBody struct {
	conn     net.Conn
	buffered []byte
	missing  int       // bytes to come
	until    time.Time // when they have to be here
	timed    bool      // the connection knows
}

// Read implements io.Reader.
func (b *requestBody) Read(p []byte) (n int, err error) {
	if len(b.buffered) > 0 {
		n = copy(p, b.buffered)
		if b.buffered = b.buffered[n:]; len(b.buffered) == 0 && b.missing == 0 {
			err = io.EOF
		}
		return n, err
	}
	if b.missing == 0 {
		return 0, io.EOF
	}
	if err := b.setDeadline(); err != nil {
		return 0, err
	}
	n, err = b.conn.Read(p[:min(len(p), b.missing)])
	if b.missing -= n; err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// setDeadline sets the connection's read deadline, once.
func (b *requestBody) setDeadline() error {
	if b.timed {
		return nil
	}
	b.timed = true
	return b.conn.SetReadDeadline(b.until)
}

// Close implements io.Closer.
func (b *requestBody) Close() error { return nil }

// drain reads what the handler left, so that the next request can come.
func (b *requestBody) drain() error {
	if b.missing == 0 {
		return nil
	}
	if b.until.IsZero() { // the handler did not look at the body
		b.until = time.Now().Add(timeoutSlack)
	}
	_, err := io.Copy(io.Discard, b)
	return err
}
