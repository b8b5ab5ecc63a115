package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
)

func post(client *http.Client, url, body string) (string, error) {
	r, err := client.Post(url, "", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return fmt.Sprint(r.StatusCode, " ", string(text)), err
}

func TestBroadcast_ManyPublishersReachEverySocketInOneOrder(t *testing.T) {
	const publishers, each, sockets = 4, 3 * window / 2, 10
	server := httptest.NewServer(routes(newHub()))
	defer server.Close()
	if got, err := post(server.Client(), server.URL+"/publish", "nobody"); got != "200 0" || err != nil {
		t.Fatalf("a publish to nobody got %q, %v", got, err)
	}
	var crowd []*websocket.Conn
	for range sockets {
		c, _, err := websocket.Dial(t.Context(), server.URL+"/ws", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		if err := c.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if _, text, err := c.Read(t.Context()); string(text) != "hello" {
			t.Fatalf("heard %q, %v", text, err)
		}
		crowd = append(crowd, c)
	}
	var group sync.WaitGroup
	for p := range publishers {
		group.Go(func() {
			for i := range each {
				got, err := post(server.Client(), server.URL+"/publish", fmt.Sprintf("%d %d", p, i))
				if got != fmt.Sprint("200 ", sockets) || err != nil {
					t.Errorf("a publish got %q, %v", got, err)
					return
				}
			}
		})
	}
	group.Wait()
	var first []string
	for i, c := range crowd {
		next, heard := [publishers]int{}, []string(nil)
		for range publishers * each {
			_, text, err := c.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var p, n int
			if _, err := fmt.Sscan(string(text), &p, &n); err != nil || n != next[p] {
				t.Fatalf("socket %d heard %q, it should be number %d", i, text, next[p])
			}
			next[p]++
			heard = append(heard, string(text))
		}
		if first == nil {
			first = heard
		}
		if strings.Join(heard, ",") != strings.Join(first, ",") {
			t.Errorf("socket %d heard another order than socket 0", i)
		}
	}
}

func TestBroadcast_BodyThatIsTooLongIsRefused(t *testing.T) {
	server := httptest.NewServer(routes(newHub()))
	defer server.Close()
	got, _ := post(server.Client(), server.URL+"/publish", strings.Repeat("x", maxBody+1))
	if !strings.HasPrefix(got, "413 ") {
		t.Errorf("got %q", got)
	}
}

// enter opens a socket over a pipe, which holds nothing back: a write waits for its read.
func enter(t *testing.T, r *hub) (io.ReadCloser, *bufio.Reader) {
	t.Helper()
	near, far := net.Pipe()
	q := httptest.NewRequest(http.MethodGet, "/ws", nil)
	for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="} {
		q.Header.Set(name, value)
	}
	go func() {
		c, err := upgrader(r).UpgradeFromConn(far, bufio.NewReader(far), q)
		if err != nil {
			t.Error(err)
			return
		}
		c.ReadLoop()
	}()
	heard := bufio.NewReader(near)
	if _, err := http.ReadResponse(heard, q); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return near, heard
}

func TestBroadcast_PublisherWaitsForSocketThatIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const all = 3 * window
		r := newHub()
		socket, heard := enter(t, r)
		var answered atomic.Int64
		go func() {
			for i := range all {
				r.publish(fmt.Appendf(nil, "%04d", i))
				answered.Add(1)
			}
		}()
		if synctest.Wait(); answered.Load() != window-1 {
			t.Errorf("%d publishes were answered before anything was read, want %d", answered.Load(), window-1)
		}
		frame := make([]byte, 6)
		for i := range all {
			if _, err := io.ReadFull(heard, frame); err != nil || string(frame) != fmt.Sprintf("\x81\x04%04d", i) {
				t.Fatalf("frame %d is %q, %v", i, frame, err)
			}
		}
		if synctest.Wait(); answered.Load() != all {
			t.Errorf("%d of %d publishes were answered", answered.Load(), all)
		}
		socket.Close()
	})
}

func TestBroadcast_SocketThatClosesHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newHub()
		socket, _ := enter(t, r)
		other, heard := enter(t, r)
		go func() { _, _ = io.Copy(io.Discard, heard) }()
		go func() {
			for range window {
				r.publish([]byte("x"))
			}
		}()
		synctest.Wait()
		socket.Close()
		if synctest.Wait(); r.publish([]byte("x")) != 1 {
			t.Errorf("%d sockets are left, want 1", len(r.sockets))
		}
		other.Close()
	})
}
