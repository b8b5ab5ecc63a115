package conformance

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// peer is a client of the server, down to its bytes. One goroutine uses it.
type peer struct {
	*session
	receiver
	conn    net.Conn
	pongs   [][]byte // that came while something else was expected
	aborted bool
}

// write sends bytes. The error is errDropped if the connection has ended.
func (p *peer) write(b []byte) error {
	_ = p.conn.SetWriteDeadline(time.Now().Add(large))
	_, err := p.conn.Write(b)
	switch {
	case err == nil:
		return nil
	case isTimeout(err):
		return fail("the server takes no bytes")
	}
	return errDropped
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// writeIn sends bytes in TCP pieces of a size; 0 is all at once.
func (p *peer) writeIn(size int, b []byte) error {
	if size == 0 {
		return p.write(b)
	}
	for _, piece := range pieces(b, size) {
		if err := p.write(piece); err != nil {
			return err
		}
	}
	return nil
}

// encode is the bytes of frames on this connection.
func (p *peer) encode(frames ...frame) (b []byte) {
	for _, f := range frames {
		if f.compressed {
			f.payload = p.deflate.compress(f.payload)
		}
		b = f.append(b)
	}
	return b
}

// deflatedFragments compresses a message and cuts it; the first fragment says that it is compressed.
func (p *peer) deflatedFragments(op opcode, data []byte, size int) []frame {
	payload := p.deflate.compress(data)
	if size == 0 {
		size = len(payload)
	}
	all := fragments(op, payload, size)
	all[0].rsv = rsv1
	return all
}

// send sends frames in one packet.
func (p *peer) send(frames ...frame) error { return p.write(p.encode(frames...)) }

// halfClose ends the client's half of the TCP connection.
func (p *peer) halfClose() error {
	half, ok := p.conn.(interface{ CloseWrite() error })
	if !ok || p.address.Scheme == "wss" {
		return skip("this connection cannot be half-closed")
	}
	return half.CloseWrite()
}

// abort ends the connection at once, with a reset where there is such a thing.
func (p *peer) abort() {
	if p.aborted {
		return
	}
	p.aborted = true
	conn := p.conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn() // without TLS's closing alert
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	conn.Close()
	p.stream.stop()
}

// pause waits, like a client that has nothing to send.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
