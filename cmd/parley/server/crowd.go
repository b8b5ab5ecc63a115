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
// the others have come, so that the process keeps its reserve of file descriptors (websocket.FDBudget).
type crowd struct {
	most    int64         // static
	sockets func() int64  // that were let in; static
	asking  atomic.Int64  // those that are no sockets, or not yet
	telling chan struct{} // has a token for each of those that are one too many and are just told so; static
	done    sync.WaitGroup
}

const (
	// maxTelling is how many may be told at once. The next one has to wait, and all behind it, for tellWait at most; then it is
	// closed without a word.
	maxTelling = 32
	tellWait   = 20 * time.Millisecond

	// tellTime is how long it may take one to say what it wants and to hear that.
	tellTime = 500 * time.Millisecond
)

func newCrowd(most int, sockets func() int64) *crowd {
	return &crowd{most: int64(most), sockets: sockets, telling: make(chan struct{}, maxTelling)}
}

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
	if secure || !c.tell() {
		_ = conn.Close()
		return
	}
	c.done.Go(func() {
		defer func() { <-c.telling }()
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

// tell waits for its turn to tell somebody, and reports whether it came.
func (c *crowd) tell() bool {
	select {
	case c.telling <- struct{}{}:
		return true
	case <-time.After(tellWait):
		return false
	}
}
