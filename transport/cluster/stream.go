package cluster

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"time"
)

// MaxMessage bounds one message of a stream, in bytes.
const MaxMessage = 4 << 20

// writeTimeout is how long a peer may take nothing before its stream is closed.
const writeTimeout = 10 * time.Second

// dial opens a stream.
func (p *Peer) dial(ctx context.Context) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, p.port.certificates.client(protocolStream))
	err = conn.HandshakeContext(ctx)
	if err == nil {
		err = greeted(conn)
	}
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return conn, nil
}

// greeted waits for the greeting. The other side checks the certificate of this one only after the handshake has ended
// here; it greets whom it lets in.
func greeted(conn *tls.Conn) error {
	if err := conn.SetReadDeadline(time.Now().Add(dialTimeout)); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		return err
	}
	return conn.SetReadDeadline(time.Time{})
}

// writeMessages writes what waits, each message behind its length, until the context ends or the stream does.
func writeMessages(ctx context.Context, conn net.Conn, q *queue) {
	out := bufio.NewWriterSize(conn, 64<<10)
	var length [4]byte
	for {
		all := q.take(ctx)
		if all == nil || conn.SetWriteDeadline(time.Now().Add(writeTimeout)) != nil {
			return
		}
		for _, message := range all {
			binary.BigEndian.PutUint32(length[:], uint32(len(message)))
			_, _ = out.Write(length[:]) // Flush returns the first error
			_, _ = out.Write(message)
		}
		if out.Flush() != nil {
			return
		}
	}
}

// readMessages greets the peer and reads its messages until the stream ends or brings one that is too long.
func readMessages(conn net.Conn, take func(message []byte)) {
	if _, err := conn.Write([]byte{0}); err != nil {
		return
	}
	in := bufio.NewReaderSize(conn, 64<<10)
	var length [4]byte
	for {
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(length[:])
		if n > MaxMessage {
			return
		}
		message := make([]byte, n)
		if _, err := io.ReadFull(in, message); err != nil {
			return
		}
		take(message)
	}
}
