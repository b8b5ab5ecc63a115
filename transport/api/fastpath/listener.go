package fastpath

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Config says what a fast path serves. Every field is needed, and fixed after NewListener.
type Config struct {
	// Routes are the requests that the fast path takes.
	Routes []Route
	// Timeout is how long a request may take from its head to its response: its context ends then.
	Timeout time.Duration
	// Draining reports whether a connection is to close after its next response. It is called once a request.
	Draining func() bool
}

// Route is a path, compared byte for byte, and the handler of its POST requests.
type Route struct {
	Path    string
	Handler http.Handler
}

// NewListener makes a listener for server of one that accepts plain TCP. Its connections serve the routes before
// net/http sees a byte, and hand everything else over to it. Accept blocks as inner's does; a *tls.Conn is returned as
// it is.
//
// A connection that is hijacked from net/http is still wrapped; its method NetConn returns the one that inner accepted.
func NewListener(inner net.Listener, server *http.Server, cfg Config) *Listener {
	l := &Listener{Listener: inner, server: server, cfg: cfg, conns: map[*fastConn]struct{}{}}
	l.transactions.New = func() any { return newTransaction() }
	server.RegisterOnShutdown(l.shutdown)
	return l
}

// timeoutSlack is how much longer than the server's timeouts those of a connection may be, so that they need not be set
// for each request.
const timeoutSlack = 10 * time.Second

// Listener is a listener whose connections have a fast path.
type Listener struct {
	net.Listener
	// Static after NewListener.
	server *http.Server
	cfg    Config

	shutDown     atomic.Bool
	single       sync.WaitGroup // connections that Accept serves itself
	transactions sync.Pool      // of connections that ended

	mu    sync.Mutex // guards conns
	conns map[*fastConn]struct{}
}

// Accept implements net.Listener. It answers connections whose one request is there already itself.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if _, secure := conn.(*tls.Conn); secure { // net/http has to see that it is one
			return conn, nil
		}
		if c := (&fastConn{Conn: conn, listener: l}); !c.serveAtOnce() {
			return c, nil
		}
	}
}

// Wait blocks until the connections that Accept did not return are closed. Call it when Accept is not called any more.
// When ctx ends it closes those connections; their handlers end at their timeout at the latest.
func (l *Listener) Wait(ctx context.Context) {
	defer context.AfterFunc(ctx, func() { l.each((*fastConn).cut) })()
	l.single.Wait()
}

// closing reports whether a connection is to close after its response.
func (l *Listener) closing() bool { return l.shutDown.Load() || l.cfg.Draining() }

// shutdown closes idle connections, and has the others close after their response.
func (l *Listener) shutdown() {
	l.shutDown.Store(true)
	l.each(func(c *fastConn) { c.Close() })
}

// each calls do with every connection that the fast path serves.
func (l *Listener) each(do func(*fastConn)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		do(c)
	}
}

func (l *Listener) track(c *fastConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
}

func (l *Listener) untrack(c *fastConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}
