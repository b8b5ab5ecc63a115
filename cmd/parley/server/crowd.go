package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// crowd bounds the connections of strangers, on all public addresses together: who is one too many is told so and closed, however far
// the others have come, so that the process keeps its reserve of file descriptors (websocket.Room).
type crowd struct {
	most    int64        // static
	sockets func() int64 // that were let in; static
	asking  atomic.Int64 // those that are no sockets, or not yet
	telling atomic.Int64 // those that are one too many and are just told so
	done    sync.WaitGroup
}

const (
	// maxTelling is how many may be told at once; others are closed without a word.
	maxTelling = 16

	// tellTime is how long that may take.
	tellTime = 500 * time.Millisecond
)

// full is what one too many is told, whatever it wanted.
var full = func() string {
	const why = `{"error":{"code":"busy","message":"this server has as many connections as it can hold"}}`
	return fmt.Sprintf("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(why), why)
}()

// bound has a listener keep to the bound. It is to be called before anything is accepted; secure says that its connections speak TLS.
func (c *crowd) bound(l net.Listener, server *http.Server, secure bool) net.Listener {
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			c.asking.Add(1)
		case http.StateClosed, http.StateHijacked:
			c.asking.Add(-1)
		}
	}
	return &bounded{l, c, secure}
}

// bounded is a listener that turns away who is one too many.
type bounded struct {
	net.Listener
	crowd  *crowd
	secure bool
}

// Accept implements net.Listener.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil || b.crowd.asking.Load()+b.crowd.sockets() < b.crowd.most {
			return conn, err
		}
		b.crowd.turnAway(conn, b.secure)
	}
}

// turnAway closes a connection; one that speaks no TLS is told why, if not too many are.
func (c *crowd) turnAway(conn net.Conn, secure bool) {
	if secure || c.telling.Load() >= maxTelling {
		_ = conn.Close()
		return
	}
	c.telling.Add(1)
	c.done.Go(func() {
		defer c.telling.Add(-1)
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(tellTime))
		_, _ = conn.Read(make([]byte, 4<<10)) // its request, over which the kernel would forget the answer
		_, _ = io.WriteString(conn, full)
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
			_, _ = conn.Read(make([]byte, 1))
		}
	})
}
