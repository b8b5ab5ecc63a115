package fastpath

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// tcpServer is a server at a port of its own; nothing is accepted before serve.
type tcpServer struct {
	net.Listener
	server *http.Server
	single *Listener // nil if net/http serves alone
	opened atomic.Int32
	closed atomic.Int32
	slow   atomic.Int32 // requests that net/http served
}

func newTCPServer(t *testing.T, fast bool, handler http.Handler) *tcpServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &tcpServer{Listener: l, server: newTestServer().server}
	slow := s.server.Handler
	s.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.slow.Add(1)
		slow.ServeHTTP(w, r)
	})
	s.server.WriteTimeout = 30 * time.Second
	s.server.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.opened.Add(1)
		case http.StateClosed:
			s.closed.Add(1)
		}
	}
	if fast {
		cfg := Config{Routes: routes(), Timeout: 5 * time.Second, Draining: func() bool { return false }}
		if handler != nil {
			cfg.Routes = []Route{{echoPath, handler}}
		}
		s.single = NewListener(l, s.server, cfg)
		s.Listener = s.single
	}
	return s
}

// serve accepts what has come and all that comes, until the end of the test.
func (s *tcpServer) serve(t *testing.T) {
	ended := make(chan error, 1)
	go func() { ended <- s.server.Serve(s.Listener) }()
	t.Cleanup(func() {
		_ = s.server.Close()
		<-ended
		if s.single != nil {
			s.single.Wait(context.Background())
		}
	})
}

// sent connects and sends a text that has arrived when the server accepts.
func (s *tcpServer) sent(t *testing.T, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// A connection whose only request has come with it gets the answer of net/http, and is closed as by net/http.
func TestSingle_AConnectionForOneRequestIsAnsweredAsByNetHTTP(t *testing.T) {
	for name, text := range map[string]string{
		"close":            requests["close"].text,
		"Close":            requests["Close"].text,
		"both":             requests["close after"].text,
		"part":             requests["close, part"].text,
		"refused":          post(ignorePath, "hello", "Connection: close"),
		"no body":          requests["close, none"].text,
		"aborted":          requests["close, end"].text,
		"as large as fits": post(echoPath, strings.Repeat("x", 3900), "Connection: close"),
		"too large":        post(echoPath, strings.Repeat("x", 5000), "Connection: close"),
		"stays":            usual,
		"other":            "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"nonsense":         "nonsense\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			var got [2]transcript
			for i, fast := range []bool{false, true} {
				s := newTCPServer(t, fast, nil)
				conn := s.sent(t, text)
				if name == "stays" {
					_ = conn.(*net.TCPConn).CloseWrite()
				}
				s.serve(t)
				all, err := io.ReadAll(conn)
				if err != nil {
					t.Errorf("fast %v: %v", fast, err)
				}
				got[i] = readTranscript(all, true)
			}
			if !slices.Equal(got[0].responses, got[1].responses) {
				t.Errorf("got\n%s\nwant\n%s", got[1].responses, got[0].responses)
			}
		})
	}
}

// The server's hook hears of connections that net/http does not see: the limit of connections counts by it.
func TestSingle_TheHookHearsOfEachConnection(t *testing.T) {
	s := newTCPServer(t, true, nil)
	const connections = 5
	var conns []net.Conn
	for range connections {
		conns = append(conns, s.sent(t, requests["close"].text))
	}
	s.serve(t)
	for _, conn := range conns {
		if _, err := io.ReadAll(conn); err != nil {
			t.Error(err)
		}
	}
	_ = s.server.Close()
	s.single.Wait(t.Context())
	if s.opened.Load() != connections || s.closed.Load() != connections || s.slow.Load() != 0 {
		t.Errorf("opened %d, closed %d, by net/http %d", s.opened.Load(), s.closed.Load(), s.slow.Load())
	}
}

// Bytes that came before a connection was handed to net/http are not lost, and are few.
func TestSingle_WhatIsNotForItGoesOnWithEveryByte(t *testing.T) {
	s := newTCPServer(t, true, nil)
	conn := s.sent(t, usual[:20])
	s.serve(t)
	if _, err := io.WriteString(conn, usual[20:]+requests["close"].text); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if n := len(readTranscript(all, true).responses); err != nil || n != 2 {
		t.Errorf("%d answers, %v: %s", n, err, all)
	}
}

func TestSingle_APanicEndsItsConnectionAloneAndIsLogged(t *testing.T) {
	var lines strings.Builder
	s := newTCPServer(t, true, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a test") }))
	s.server.ErrorLog = log.New(&lines, "", 0)
	first, second := s.sent(t, requests["close"].text), s.sent(t, requests["close"].text)
	s.serve(t)
	for _, conn := range []net.Conn{first, second} {
		if all, _ := io.ReadAll(conn); len(all) > 0 {
			t.Errorf("got %s", all)
		}
	}
	_ = s.server.Close()
	s.single.Wait(t.Context())
	if s.closed.Load() != 2 || strings.Count(lines.String(), "a test") != 2 {
		t.Errorf("closed %d, logged %s", s.closed.Load(), lines.String())
	}
}

// Wait waits for the answers, and cuts the connections off when its time is over.
func TestSingle_WaitWaitsForTheAnswerAndCutsItOffInTheEnd(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	s := newTCPServer(t, true, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-end
		respond(w, http.StatusOK, "late")
	}))
	conn := s.sent(t, requests["close"].text)
	s.serve(t)
	<-begun
	if err := s.server.Close(); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan struct{})
	go func() {
		s.single.Wait(ctx)
		close(waited)
	}()
	cancel()
	if all, _ := io.ReadAll(conn); len(all) > 0 { // it ends although the handler does not
		t.Errorf("got %s", all)
	}
	select {
	case <-waited:
		t.Error("it did not wait for the handler")
	default:
	}
	close(end)
	<-waited
}
