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
type connLimit struct {
	max       int64         // static
	sockets   func() int64  // that were let in; static
	requests  atomic.Int64  // those that are no sockets, or not yet
	rejecting chan struct{} // has a token for each of those that are one too many and are just told so; static
	done      sync.WaitGroup
}

const (
	// maxTelling is how many may be told at once. The next one has to wait, and all behind it, for tellWait at most; then it is
	// closed without a word.
	maxRejecting = 32
	rejectWait   = 20 * time.Millisecond

	// tellTime is how long it may take one to say what it wants and to hear that.
	rejectTime = 500 * time.Millisecond
)

func newConnLimit(most int, sockets func() int64) *connLimit {
	return &connLimit{max: int64(most), sockets: sockets, rejecting: make(chan struct{}, maxRejecting)}
}

// full is what one too many is told, whatever it wanted.
var fullAnswer = func() string {
	const why = `{"error":{"code":"busy","message":"this server has as many connections as it can hold"}}`
	return fmt.Sprintf("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(why), why)
}()

// bound has a listener keep to the bound. It is to be called before anything is accepted; secure says that its connections speak TLS.
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

// bounded is a listener that turns away who is one too many.
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

// turnAway closes a connection; one that speaks no TLS is told why, if not too many are.
func (c *connLimit) reject(conn net.Conn, secure bool) {
	if secure || !c.mayAnswer() {
		_ = conn.Close()
		return
	}
	c.done.Go(func() {
		defer func() { <-c.rejecting }()
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(rejectTime))
		_, _ = conn.Read(make([]byte, 4<<10)) // its request, over which the kernel would forget the answer
		_, _ = io.WriteString(conn, fullAnswer)
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
			_, _ = conn.Read(make([]byte, 1))
		}
	})
}

// tell waits for its turn to tell somebody, and reports whether it came.
func (c *connLimit) mayAnswer() bool {
	select {
	case c.rejecting <- struct{}{}:
		return true
	case <-time.After(rejectWait):
		return false
	}
}
