package fastpath

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"
)

// The paths of the tests' routes.
const (
	echoPath   = "/echo"   // reads the body and answers with what it saw
	ignorePath = "/ignore" // answers without a look at the body
	partPath   = "/part"   // reads ten bytes of the body
	abortPath  = "/abort"  // ends the connection
)

// handlers are the handlers of the tests' routes, by path. They take any method, so that net/http alone serves the
// same.
var handlers = map[string]http.HandlerFunc{
	echoPath: func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(3 * time.Second))
		body, err := io.ReadAll(r.Body)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			respond(w, http.StatusRequestTimeout, "too slow")
		case err != nil:
			respond(w, http.StatusBadRequest, err.Error())
		default:
			respond(w, http.StatusOK, fmt.Sprintf("%s %s %q %q %d %d %08x", r.Method, r.URL.Path,
				r.Header["Authorization"],
				r.Header["X-Api-Key"], r.ContentLength, len(body), crc32.ChecksumIEEE(body)))
		}
	},
	ignorePath: func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusRequestEntityTooLarge, "too large")
	},
	partPath: func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, 10)
		n, err := io.ReadFull(r.Body, body)
		respond(w, http.StatusTeapot, fmt.Sprintf("%q %v", body[:n], err))
	},
	abortPath: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
}

func respond(w http.ResponseWriter, status int, text string) {
	w.Header()["Content-Type"] = []string{"text/plain"}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// routes are the tests' routes.
func routes() (all []Route) {
	for path, handler := range handlers {
		all = append(all, Route{path, handler})
	}
	return all
}

// testServer is one in-memory connection to a server, with or without a fast path.
type testServer struct {
	*duplex // the client's end
	server  *http.Server
	slow    atomic.Int32 // requests that net/http served
	in      *bufio.Reader
	drain   atomic.Bool
	handler http.Handler // of the fast path; nil is the tests' routes
	done    sync.WaitGroup
}

// newTestServer makes a server that serves once start is called.
func newTestServer() *testServer {
	s := new(testServer)
	s.server = &http.Server{
		ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.slow.Add(1)
			if handler := handlers[r.URL.Path]; handler != nil {
				handler(w, r)
				return
			}
			respond(w, http.StatusNotFound, "no such path")
		}),
	}
	return s
}

// start serves the connection.
func (s *testServer) start(fast bool) *testServer {
	client, conn := newDuplex()
	s.duplex, s.in = client, bufio.NewReader(client)
	var l net.Listener = &oneConn{conn: conn, closed: make(chan struct{})}
	if fast {
		cfg := Config{Routes: routes(), Timeout: 5 * time.Second, Draining: s.drain.Load}
		for i := range cfg.Routes {
			if s.handler != nil {
				cfg.Routes[i].Handler = s.handler
			}
		}
		l = NewListener(l, s.server, cfg)
	}
	s.done.Go(func() { _ = s.server.Serve(l) })
	return s
}

// startFast serves a connection with a fast path and the timeouts of a usual server.
func startFast() *testServer {
	s := newTestServer()
	s.server.ReadHeaderTimeout, s.server.WriteTimeout, s.server.IdleTimeout = 10*time.Second, 30*time.Second,
		2*time.Minute
	return s.start(true)
}

func (s *testServer) end() {
	_ = s.Close()
	_ = s.server.Close()
	s.done.Wait()
	time.Sleep(time.Second) // net/http lets some connections linger for half of that
	synctest.Wait()
}

// send writes without waiting for the server, which does not read what follows an early refusal.
func (s *testServer) send(parts ...string) {
	s.done.Go(func() {
		for _, part := range parts {
			if _, err := io.WriteString(s, part); err != nil {
				return
			}
		}
	})
}

// receive reads one response.
func (s *testServer) receive() string { return readResponse(s.in) }

// readResponse reads a response as a line of text: status, headers in order without Date, body. An error is such a
// line.
func readResponse(in *bufio.Reader) string {
	r, err := http.ReadResponse(in, nil)
	if err != nil {
		return err.Error()
	}
	body, err := io.ReadAll(r.Body)
	delete(r.Header, "Date")
	if r.Close { // ReadResponse takes the header away
		r.Header["Connection"] = []string{"close"}
	}
	var lines []string
	for name, values := range r.Header {
		lines = append(lines, fmt.Sprint(name, values))
	}
	slices.Sort(lines)
	return fmt.Sprint(r.Status, " ", r.Proto, " ", lines, " ", string(body), " ", err)
}

// transcript is what a client got.
type transcript struct {
	responses []string
	closed    bool // the server closed first
}

// readTranscript parses what a client got.
func readTranscript(got []byte, closed bool) transcript {
	in, t := bufio.NewReader(bytes.NewReader(got)), transcript{closed: closed}
	for {
		if _, err := in.Peek(1); err != nil {
			return t
		}
		t.responses = append(t.responses, readResponse(in))
	}
}

// play sends pieces over a new connection, and returns what came back before and after the client closed its half.
func play(fast bool, pieces ...string) (open, halfClosed transcript, slow int32) {
	s := newTestServer().start(fast)
	defer s.end()
	var got bytes.Buffer
	closed := make(chan struct{})
	s.done.Go(func() {
		defer close(closed)
		_, _ = io.Copy(&got, s.duplex)
	})
	s.send(pieces...)
	time.Sleep(time.Second) // longer than a server lingers
	synctest.Wait()
	select {
	case <-closed:
		open = readTranscript(got.Bytes(), true)
	default:
		open = readTranscript(got.Bytes(), false)
	}
	_ = s.CloseWrite()
	time.Sleep(time.Second)
	synctest.Wait()
	return open, readTranscript(got.Bytes(), true), s.slow.Load()
}

// duplex is one end of an in-memory connection whose two directions close apart, as those of TCP do.
type duplex struct {
	in, out net.Conn
}

func newDuplex() (client, server *duplex) {
	requests, toServer := net.Pipe()
	responses, toClient := net.Pipe()
	return &duplex{responses, toServer}, &duplex{requests, toClient}
}

func (d *duplex) Read(p []byte) (int, error)         { return d.in.Read(p) }
func (d *duplex) Write(p []byte) (int, error)        { return d.out.Write(p) }
func (d *duplex) CloseWrite() error                  { return d.out.Close() }
func (d *duplex) Close() error                       { return errors.Join(d.out.Close(), d.in.Close()) }
func (d *duplex) LocalAddr() net.Addr                { return d.in.LocalAddr() }
func (d *duplex) RemoteAddr() net.Addr               { return d.in.RemoteAddr() }
func (d *duplex) SetReadDeadline(t time.Time) error  { return d.in.SetReadDeadline(t) }
func (d *duplex) SetWriteDeadline(t time.Time) error { return d.out.SetWriteDeadline(t) }
func (d *duplex) SetDeadline(t time.Time) error {
	return errors.Join(d.SetReadDeadline(t), d.SetWriteDeadline(t))
}

// oneConn is a listener that has one connection.
type oneConn struct {
	conn   net.Conn
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error   { close(l.closed); return nil }
func (l *oneConn) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// post is a request as a usual client sends it.
func post(path, body string, headers ...string) string {
	lines := append([]string{"POST " + path + " HTTP/1.1", "Host: parley.example:8000", "User-Agent: test/1.0",
		"Content-Type: application/json", fmt.Sprint("Content-Length: ", len(body))}, headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}
