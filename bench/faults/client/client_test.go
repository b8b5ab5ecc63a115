package client

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-realtime/parley/bench/faults/server"
)

// speaker is a WebSocket server of another make that says some lines after the login and closes.
func speaker(t *testing.T, lines ...string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	made := &http.Server{ReadHeaderTimeout: time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			defer conn.CloseNow()
			for {
				_, text, err := conn.Read(r.Context())
				if err != nil {
					return
				}
				if strings.Contains(string(text), "ping") {
					break
				}
			}
			for _, line := range lines {
				_ = conn.Write(r.Context(), websocket.MessageText, []byte(line))
			}
			_ = conn.Close(1012, "draining")
		})}
	go func() { _ = made.Serve(listener) }()
	t.Cleanup(func() { made.Close() })
	return listener.Addr().String()
}

func TestClient_KeepsWhatItHeardAndHowItEnded(t *testing.T) {
	long := strings.Repeat("x", 70_000)
	address := speaker(t, `{"type":"pong"}`, `{"t":1,"s":5,"pad":"`+long+`"}`, `{"heartbeat":1}`, `{"t":1,"s":6}`)
	c, err := Dial(address, Options{User: "u", Devices: []string{"d"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Cut()
	c.Listen()
	if !slices.Equal(c.Heard, []uint64{5, 6}) || c.Events() != 2 || !c.Over() || c.Code != 1012 || c.Why != "draining" {
		t.Errorf("heard %v, ended with %d %q", c.Heard, c.Code, c.Why)
	}
}

func TestDial_ARefusalSaysItsStatus(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, "HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n")
	}()
	_, err = Dial(listener.Addr().String(), Options{})
	if refused, ok := errors.AsType[*server.Refused](err); !ok || refused.Status != 503 || refused.Retry != "3" {
		t.Errorf("got %v", err)
	}
}

func TestDial_WhatIsToldInsteadOfBeingLetInIsTheError(t *testing.T) {
	address := speaker(t, `{"type":"error","error":"unknown"}`)
	if _, err := Dial(address, Options{User: "u"}); err == nil || !strings.Contains(err.Error(), "unknown") {
		t.Errorf("got %v", err)
	}
	address = speaker(t)
	if _, err := Dial(address, Options{User: "u"}); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}

func TestDialAll_WithAnErrorNobodyIsLeft(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if _, err := DialAll(listener.Addr().String(), 3, Users("x", "d")); err == nil {
		t.Error("nobody listens, and all came in")
	}
}

func TestFrame_LengthsAreWrittenAsTheProtocolWants(t *testing.T) {
	for length, head := range map[int]int{0: 6, 125: 6, 126: 8, 65535: 8, 65536: 14} {
		if got := len(Frame(Final|Text, make([]byte, length))); got != head+length {
			t.Errorf("%d bytes make a frame of %d, want %d", length, got, head+length)
		}
	}
}
