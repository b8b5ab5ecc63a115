package api

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Shortcut makes a listener for server, from one that accepts plain TCP, whose connections take publishes and batches
// past net/http, which costs more than all the rest of a publish: a request goes from the connection to the same door as
// ever, and its answer goes back at once.
//
// It is for what a backend's HTTP client sends, request after request on one connection: POST, HTTP/1.1, one Host, a
// Content-Length of at most 256 KiB, a head that comes in one piece. Anything else - another call, chunks, Expect,
// Upgrade, an odd byte in a header - goes with all that follows on that connection to net/http, which decides what it
// is. It is unanswered then, so that no request is seen by both.
//
// The timeouts are the server's, up to slack longer. While the node drains or the server shuts down, an answer says that
// its connection closes, and it does: requests behind it are not done. Two things differ from net/http: a client that goes away does not cancel its publish, and
// connections with TLS have no shortcut.
//
// A connection that is hijacked is still wrapped; its method NetConn returns it as it was accepted.
func (a *API) Shortcut(l net.Listener, server *http.Server) net.Listener {
	s := &shortcut{Listener: l, server: server, draining: a.node.Draining, riders: map[*direct]struct{}{}}
	for _, r := range calls {
		if r.path == "/api/v1/publish" || r.path == "/api/v1/batch" {
			d := &door{api: a}
			d.add(r)
			s.doors = append(s.doors, lane{r.path, d})
		}
	}
	server.RegisterOnShutdown(s.end)
	return s
}

// slack is how much longer than the server's timeouts they may be here, so that they need not be set for each request.
const slack = 10 * time.Second

// shortcut is a listener whose connections take it.
type shortcut struct {
	net.Listener
	// Static after Shortcut.
	server   *http.Server
	draining func() bool
	doors    []lane

	ended atomic.Bool

	mu     sync.Mutex // guards riders
	riders map[*direct]struct{}
}

// lane is a path that has a shortcut.
type lane struct {
	path string
	door *door
}

// Accept implements net.Listener.
func (s *shortcut) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if _, secure := conn.(*tls.Conn); secure { // net/http has to see that it is one
		return conn, nil
	}
	return &direct{Conn: conn, shortcut: s}, nil
}

// closing reports whether a connection is to end after its answer.
func (s *shortcut) closing() bool { return s.ended.Load() || s.draining() }

// end closes connections that rest, and has the others close after their answer.
func (s *shortcut) end() {
	s.ended.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.riders {
		c.Close()
	}
}

func (s *shortcut) enter(c *direct) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.riders[c] = struct{}{}
}

func (s *shortcut) leave(c *direct) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.riders, c)
}
