package websocket

import (
	"bytes"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// As TestIdle_AClientThatOnlyAnswersPingsIsHeardAndStaysParked, with records, which come cut, too.
func TestTLS_AClientThatOnlyAnswersPingsIsHeardAndStaysParked(t *testing.T) {
	s := newServer(t, nil)
	server, conn := tlsPair(t, nil)
	link := newTestLink(func([]byte, bool) { t.Error("a pong came as a message") })
	s.idleAfter = time.Millisecond
	k, _ := newTestSocket(s, server, link, 4096, "")
	fd := int(k.fd.number)
	awaitParked(t, s, k)
	s.idleAfter = time.Hour // a reader would stay
	for i := range int64(100) {
		conn.Write(clientFrame(0x8a, []byte("pong")))
		for link.heard.Load() <= i {
			runtime.Gosched()
		}
	}
	awaitParked(t, s, k)
	if s.idle.remove(fd, k) == nil {
		t.Fatal("it is not parked")
	}
	go k.read()
	k.Cut()
	if err := s.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

// awaitParked waits until a socket is parked.
func awaitParked(t *testing.T, s *Server, k *socket) {
	t.Helper()
	fd := int(k.fd.number)
	for deadline := time.Now().Add(testTimeout); ; runtime.Gosched() {
		s.idle.mu.Lock()
		parked := fd < len(s.idle.parked) && s.idle.parked[fd] == k
		s.idle.mu.Unlock()
		if parked {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the socket is not parked")
		}
	}
}

// The reader gets messages that come behind pongs, in the same record or in the next, and the end of the stream.
func TestTLS_WhatComesBehindPongsReachesTheReader(t *testing.T) {
	pong, message := clientFrame(0x8a, []byte("pong")), clientFrame(0x81, []byte("hello"))
	for name, writes := range map[string][][]byte{
		"one record":       {append(bytes.Clone(pong), message...)},
		"two records":      {pong, message},
		"many records":     {pong, pong, pong, pong, pong, message},
		"a cut message":    {pong, message[:3], message[3:]},
		"a larger message": {pong, clientFrame(0x81, bytes.Repeat([]byte("x"), 3000))},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, nil)
			s.idleAfter = time.Millisecond
			server, conn := tlsPair(t, nil)
			heard := make(chan string, 1)
			link := newTestLink(func(data []byte, _ bool) { heard <- string(data) })
			k, _ := newTestSocket(s, server, link, 4096, "")
			awaitParked(t, s, k)
			for _, b := range writes {
				if _, err := conn.Write(b); err != nil {
					t.Fatal(err)
				}
			}
			if got := await(t, "the message", heard); got != "hello" && len(got) != 3000 {
				t.Errorf("heard %q", got)
			}
			awaitParked(t, s, k)
			conn.CloseWrite()
			if _, err := io.Copy(io.Discard, conn); err != nil {
				t.Error(err)
			}
			conn.NetConn().Close()
			if reason := await(t, "Gone", link.gone); reason != protocol.Lost {
				t.Errorf("gone as %s", reason)
			}
		})
	}
}
