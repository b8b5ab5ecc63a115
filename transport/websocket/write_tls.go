package websocket

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// NewTLSListener is tls.NewListener for connections that become sockets: these are written without blocking, and wait
// for their client without a goroutine, like those without TLS. It sets conf.DynamicRecordSizingDisabled, so that what
// waits for a client goes in as few records as can be; otherwise conf must not change any more.
func NewTLSListener(inner net.Listener, conf *tls.Config) net.Listener {
	conf.DynamicRecordSizingDisabled = true
	return &tlsListener{inner, conf}
}

type tlsListener struct {
	net.Listener
	conf *tls.Config
}

// Accept implements net.Listener. The handshake comes with the first Read or Write.
func (l *tlsListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(&recordConn{Conn: conn}, l.conf), nil
}

// recordConn is the connection below a *tls.Conn. Once that is a socket's, the records that crypto/tls writes are
// collected instead of written: it cannot write without blocking, but the socket's writer can. The writer encrypts what
// it has, takes the records, and writes them with one system call as it does without TLS.
//
// The reader's side of crypto/tls writes, too, if rarely: alerts, and its answer to an update of keys. It wakes the
// socket, so that a writer comes for those records.
type recordConn struct {
	net.Conn
	polled int // the descriptor while the idlePoller reads, which must not block; owned by the reader

	mu      sync.Mutex
	socket  *socket // nil while everything is passed through
	sealing bool    // the writer has crypto/tls encrypt, and will take all that is collected
	records []byte  // at most maxRecords
}

// maxRecords bounds what is collected, in bytes: a batch, what TLS adds to each of its records, and alerts and answers
// to updates of keys. A client may ask for any number of these, and read none.
const maxRecords = takeBytes + 4<<10

var errTooManyRecords = errors.New("more records than a batch has wait to be written")

// collectRecords begins to collect the records of a socket that has some, when the handshake is answered.
func collectRecords(s *socket) {
	if s.sealed {
		freeBuffers(s.conn.(*tls.Conn)) // the handshake's
		s.records.collect(s)
	}
}

func (r *recordConn) collect(s *socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.socket = s
}

// Write implements net.Conn. It blocks only before collect.
func (r *recordConn) Write(p []byte) (int, error) {
	r.mu.Lock()
	s := r.socket
	if s == nil {
		r.mu.Unlock()
		return r.Conn.Write(p)
	}
	if len(r.records)+len(p) > maxRecords {
		r.mu.Unlock()
		return 0, errTooManyRecords
	}
	r.records = append(r.records, p...)
	wake := !r.sealing
	r.mu.Unlock()
	if wake {
		s.Wake()
	}
	return len(p), nil
}

// SetWriteDeadline implements net.Conn. After collect it does nothing: crypto/tls would set one that no write outlives.
func (r *recordConn) SetWriteDeadline(t time.Time) error {
	r.mu.Lock()
	collects := r.socket != nil
	r.mu.Unlock()
	if collects {
		return nil
	}
	return r.Conn.SetWriteDeadline(t)
}

// waiting reports whether there are records that no writer has taken.
func (r *recordConn) waiting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.records) > 0
}

// lend begins to seal: records are collected in buf, behind those that wait already.
func (r *recordConn) lend(buf []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records, r.sealing = append(buf[:0], r.records...), true
}

// take ends to seal, and returns all records.
func (r *recordConn) take() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	records := r.records
	r.records, r.sealing = nil, false
	return records
}

// recordsOf is the recordConn of a connection with TLS that has one; nil for others.
func recordsOf(conn net.Conn) *recordConn {
	if secure, ok := conn.(*tls.Conn); ok {
		if r, ok := secure.NetConn().(*recordConn); ok {
			return r
		}
	}
	return nil
}

// needsSeal reports whether there is something to write though no frame waits: records of crypto/tls itself, or the
// notice that the stream ends. Only the holder of the socket's state may call it.
func needsSeal(s *socket, closes bool) bool { return s.sealed && (closes || s.records.waiting()) }

// setWriteDeadline sets the time after which a blocked write fails.
func setWriteDeadline(s *socket, t time.Time) error {
	if s.sealed {
		return s.records.Conn.SetWriteDeadline(t)
	}
	return s.conn.SetWriteDeadline(t)
}

// seal encrypts p, behind which nothing follows if it is the last, and returns the records to write. They are in buf if
// they fit. Only the holder of the socket's state may call it.
func seal(s *socket, p, buf []byte, last bool) ([]byte, error) {
	s.records.lend(buf)
	var err error
	if len(p) > 0 {
		_, err = s.conn.Write(p)
	}
	if last && err == nil {
		_ = s.conn.(*tls.Conn).CloseWrite() // a notice that the stream ends; it is collected, too
	}
	return s.records.take(), err
}
