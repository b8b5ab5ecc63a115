package server

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/transport/websocket"
)

// connLimit bounds the connections of strangers, on all public addresses together: a client over the limit gets 503 and
// is closed, however far the others have come, so that the process keeps its reserve of file descriptors
// (websocket.FDBudget).
type connLimit struct {
	max       int64         // static
	sockets   func() int64  // counts those that were let in; static
	requests  atomic.Int64  // connections that are no sockets, or not yet
	rejecting chan struct{} // has a token for each connection that is just being answered with 503; static
	done      sync.WaitGroup
}

const (
	// maxRejecting is how many connections are answered with 503 at once. The next one, and all behind it, wait for
	// rejectWait at most; then that one is closed without an answer.
	maxRejecting = 32
	rejectWait   = 20 * time.Millisecond

	// rejectTime is how long one client may take to send its request and to read the 503.
	rejectTime = 500 * time.Millisecond
)

func newConnLimit(most int, sockets func() int64) *connLimit {
	return &connLimit{max: int64(most), sockets: sockets, rejecting: make(chan struct{}, maxRejecting)}
}

// fullAnswer is the answer to a client over the limit, whatever it asked for.
var fullAnswer = func() string {
	const body = `{"error":{"code":"busy","message":"this server has as many connections as it can hold"}}`
	return fmt.Sprintf("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Type: "+
		"application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}()

// limit makes a listener keep to the limit. Call it before anything is accepted; secure says that its connections speak
// TLS.
func (c *connLimit) limit(l net.Listener, server *http.Server, secure bool) net.Listener {
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			c.requests.Add(1)
		case http.StateClosed, http.StateHijacked:
			c.requests.Add(-1)
		}
	}
	return &limitedListener{l, c, secure}
}

// limitedListener rejects connections over the limit.
type limitedListener struct {
	net.Listener
	limit  *connLimit
	secure bool
}

// Accept implements net.Listener.
func (b *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil || b.limit.requests.Load()+b.limit.sockets() < b.limit.max {
			return conn, err
		}
		b.limit.reject(conn, b.secure)
	}
}

// reject closes a connection. One without TLS gets 503 first, unless too many are being answered.
func (c *connLimit) reject(conn net.Conn, secure bool) {
	if secure || !c.mayAnswer() {
		_ = conn.Close()
		return
	}
	c.done.Go(func() {
		defer func() { <-c.rejecting }()
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(rejectTime))
		_, _ = conn.Read(make([]byte, 4<<10)) // its request; unread, it would make the kernel drop the answer
		_, _ = io.WriteString(conn, fullAnswer)
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
			_, _ = conn.Read(make([]byte, 1))
		}
	})
}

// mayAnswer waits for room to answer one more client, and reports whether it came.
func (c *connLimit) mayAnswer() bool {
	select {
	case c.rejecting <- struct{}{}:
		return true
	case <-time.After(rejectWait):
		return false
	}
}

// warnDescriptors warns of settings that promise more connections than the process has file descriptors for.
func warnDescriptors(cfg *config.Config, space websocket.FDBudget, log *slog.Logger) {
	check := func(setting string, value int) {
		if value > space.Sockets {
			log.Warn("the limit of file descriptors does not allow for so many connections; raise it (ulimit -n, "+
				"LimitNOFILE of systemd)",
				"setting", setting, "value", value, "allowed", space.Sockets, "descriptors", space.Descriptors)
		}
	}
	check("websocket.max_sockets", cfg.WebSocket.MaxSockets)
	most := 0
	for i := range cfg.Tenants {
		most = max(most, cfg.Tenants[i].Connections)
	}
	check("tenants[].connections", most)
}
