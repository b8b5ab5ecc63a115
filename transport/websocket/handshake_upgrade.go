package websocket

import (
	"bufio"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/lxzan/gws"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

const (
	// readBuffer is what an idle socket keeps for reading, in bytes. Larger messages are read past it.
	readBuffer = 512
	// kernelBuffer bounds what the kernel takes for a peer that does not read; it would be 3.7 MiB otherwise.
	kernelBuffer = 64 << 10
	keepAlive    = 30 * time.Second
)

// upgrader makes gws connections for one message limit.
type upgrader struct {
	gws             *gws.Upgrader
	plain, deflated *http.Request // what gws is told of the handshake; never changed
}

func (s *Server) upgrader(limit int) *upgrader {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.upgraders[limit]; u != nil {
		return u
	}
	option := &gws.ServerOption{
		ReadMaxPayloadSize: limit,
		CheckUtf8Enabled:   true,
		ParallelGolimit:    1, // it is the length of a channel that each connection has
		NewSession:         func() gws.SessionStorage { return nil },
	}
	if s.config.Compression {
		// gws uses this for inflating alone, under one lock per pool entry.
		option.PermessageDeflate = gws.PermessageDeflate{Enabled: true, PoolSize: s.config.Writers}
	}
	u := &upgrader{gws: gws.NewUpgrader(events{}, option), plain: introduction(""), deflated: introduction(deflateAnswer)}
	s.upgraders[limit] = u
	return u
}

// introduction is a request that meets gws's own checks.
func introduction(extensions string) *http.Request {
	h := http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
	}
	if extensions != "" {
		h["Sec-Websocket-Extensions"] = []string{extensions}
	}
	return &http.Request{Method: http.MethodGet, Header: h}
}

// connection makes the gws side of a socket, which begins at the start of a frame. What gws would answer is dropped by Write.
func (u *upgrader) connection(s *socket) (*gws.Conn, error) {
	request := u.plain
	if s.window != noWindow {
		request = u.deflated
	}
	t := (*stream)(s)
	return u.gws.UpgradeFromConn(t, bufio.NewReaderSize(t, readBuffer), request)
}

// hijack takes the connection from net/http, with the bytes that it has read already.
func hijack(w http.ResponseWriter) (conn net.Conn, early []byte, err error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if n := buffered.Reader.Buffered(); n > 0 {
		peeked, _ := buffered.Reader.Peek(n)
		early = append([]byte(nil), peeked...) // the buffer belongs to net/http
	}
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok { // by the API's shortcut
		if _, secure := conn.(*tls.Conn); !secure {
			conn = wrapped.NetConn()
		}
	}
	return conn, early, nil
}

// tune sets what a TCP connection needs to be a good socket. A connection that refuses is no worse than one that cannot.
func tune(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetNoDelay(true)
		_ = tcp.SetWriteBuffer(kernelBuffer)
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: keepAlive, Interval: keepAlive})
	}
}

// adopt makes a socket of an upgraded connection: the peer has its answer, the node its wire, and a reader runs.
func (s *Server) adopt(conn net.Conn, early []byte, v *visit) error {
	k := s.socket(conn, early, v)
	if err := conn.SetDeadline(time.Now().Add(s.config.HandshakeTimeout)); err != nil {
		return err
	}
	if _, err := conn.Write(answer(v.key, v.extensions.answer)); err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	s.start(k, func() { s.connect(k, v) })
	return nil
}

// socket makes a socket that nobody knows yet.
func (s *Server) socket(conn net.Conn, early []byte, v *visit) *socket {
	tune(conn)
	k := &socket{server: s, conn: conn, handle: handle{fd: descriptor(conn)}, line: s.next(), upgrader: v.route.upgrader,
		window: v.extensions.window, records: s.records}
	k.guard.bounds, k.guard.deflate = v.route.bounds, k.window != noWindow
	if len(early) > 0 {
		k.early = early
	}
	return k
}

// start has a socket connected and reads from it.
func (s *Server) start(k *socket, connect func()) {
	s.enter() // left by finish, which also takes it from s.open
	connect()
	s.enter() // left by read
	if !k.direct() || k.early != nil {
		go k.read()
	} else {
		k.rest()
	}
}

// connect makes the socket's actor. Should that be refused, or fail, the socket says why and closes.
func (s *Server) connect(k *socket, v *visit) {
	refusal := protocol.Refuse(protocol.Internal, "")
	defer func() {
		if refusal != nil { // a panic comes by here as well
			k.link = nil
			k.begin(&closing{code: refusal.Reason.CloseCode(), reason: string(refusal.Reason), why: refusal.Reason})
		}
	}()
	dial := actors.Dial{Tenant: v.tenant, Dialect: v.route.dialect, Session: v.session, Identity: v.identity, Remote: v.caller.address, Proxied: v.proxied, Client: v.client}
	_, refusal = s.node.Connect(dial, func(l *actors.Link) outbox.Transport {
		k.link, k.outbox = l, l.Outbox()
		return k
	})
}
