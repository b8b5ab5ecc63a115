package websocket

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

const (
	// kernelBuffer bounds what the kernel takes for a peer that does not read, in bytes; it would be 3.7 MiB otherwise.
	kernelBuffer = 64 << 10
	keepAlive    = 30 * time.Second
)

// upgradeInTurn waits for the turn of the handshake, and upgrades the connection.
func (q *upgradeRequest) upgradeInTurn() {
	tenant := q.tenant
	if q.identity != nil && q.identity.Tenant != "" { // the credential has resolved it
		tenant = q.identity.Tenant
	}
	done, err := q.server.pacer.begin(q.r.Context(), tenant)
	if err != nil {
		q.refuse(err)
		return
	}
	defer done()
	q.upgrade()
}

// upgrade takes the connection over. From here on no HTTP response tells the client of an error.
func (q *upgradeRequest) upgrade() {
	s := q.server
	if s.socketCount.Add(1) > int64(s.config.MaxSockets) {
		s.socketCount.Add(-1)
		q.refuse(errTooManySockets)
		return
	}
	conn, buffered, err := hijack(q.w)
	if err != nil {
		s.socketCount.Add(-1)
		q.refuse(protocol.Refuse(protocol.Internal, "this connection cannot be upgraded"))
		s.config.Logger.Error("connection cannot be upgraded", "error", err)
		return
	}
	if err := q.accept(conn, buffered); err != nil {
		s.socketCount.Add(-1)
		_ = conn.Close() // the peer has gone before it had its answer
	}
}

// hijack takes the connection from net/http, with the bytes that it has read already.
func hijack(w http.ResponseWriter) (conn net.Conn, buffered []byte, err error) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if n := rw.Reader.Buffered(); n > 0 {
		peeked, _ := rw.Reader.Peek(n)
		buffered = append([]byte(nil), peeked...) // the buffer belongs to net/http
	}
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok { // by the API's fast path
		if _, secure := conn.(*tls.Conn); !secure {
			conn = wrapped.NetConn()
		}
	}
	return conn, buffered, nil
}

// tuneTCP sets the options of a TCP connection. It ignores errors: the connection works without these options, too.
func tuneTCP(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if r, ok := conn.(*recordConn); ok {
		conn = r.Conn
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetNoDelay(true)
		_ = tcp.SetWriteBuffer(kernelBuffer)
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: keepAlive, Interval: keepAlive})
	}
}

// accept answers the handshake, has the node connect the socket, and starts its reader.
func (q *upgradeRequest) accept(conn net.Conn, buffered []byte) error {
	s := q.server
	k := newSocket(s, conn, buffered, q.route, q.extensions.window)
	if err := conn.SetDeadline(time.Now().Add(s.config.HandshakeTimeout)); err != nil {
		return err
	}
	if q.stream != nil { // its session answers
		k.window, k.stream = unframed, q.stream
		endVanished(conn)
	} else if _, err := conn.Write(handshakeResponse(q.key, q.extensions.header, q.opened.Subprotocol)); err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	collectRecords(k)
	s.addLive() // finish calls doneLive, and takes the socket from socketCount
	q.connect(k)
	k.startReading()
	return nil
}

// connect makes the socket's actor. If the node refuses that, or panics, the socket says why and closes.
func (q *upgradeRequest) connect(k *socket) {
	refusal := protocol.Refuse(protocol.Internal, "")
	defer func() {
		if refusal != nil { // also after a panic
			q.cause = refusal
			k.link = nil
			if q.stream != nil {
				refuseStream(k, q.opened.Session, refusal)
				return
			}
			reason := refusal.Reason
			k.startClosing(&closing{code: reason.CloseCode(), reason: string(reason), cause: reason})
		}
	}()
	dial := actors.ConnectOptions{Tenant: q.tenant, Dialect: q.route.dialect, Session: q.opened.Session,
		Identity: q.identity, Remote: q.source.address, Proxied: q.proxied, Client: q.clientID,
		RequestID: q.id, Origin: q.r.Header.Get("Origin")}
	_, refusal = q.server.node.Connect(dial, func(l *actors.Conn) outbox.Transport {
		k.link, k.outbox = l, l.Outbox()
		return k
	})
}
