package publisher

import (
	"crypto/tls"
	"net"
	"time"
)

// secureStream is TLS over a socket.
type secureStream struct{ *tls.Conn }

func overTLS(s *socket, config *tls.Config) stream {
	return secureStream{tls.Client(&wire{socket: s}, config)}
}

func (s secureStream) write(p []byte) error {
	_, err := s.Conn.Write(p)
	return err
}

func (s secureStream) close() { _ = s.Conn.Close() }

// wire is a socket as crypto/tls sees it. The waits of a socket are bounded, so it needs no deadlines.
type wire struct {
	net.Conn // nil: crypto/tls calls nothing else of it
	*socket
}

func (w *wire) Read(p []byte) (int, error) { return w.socket.Read(p) }

func (w *wire) Write(p []byte) (int, error) {
	if err := w.write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *wire) Close() error {
	w.close()
	return nil
}

func (*wire) SetWriteDeadline(time.Time) error { return nil }
