package websocket

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol/echo"
)

// pipeListener is a listener whose connections are pipes, so that a whole server runs in fake time.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (p *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipeListener) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipe"} }

// dial opens a socket on path.
func (p *pipeListener) dial(t *testing.T, path string) *client {
	t.Helper()
	server, conn := net.Pipe()
	p.conns <- server
	c := newClient(conn)
	if _, err := io.WriteString(conn, request(path)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(c.r, nil)
	if err != nil || response.StatusCode != 101 {
		t.Fatalf("%v, %v", response, err)
	}
	return c
}

// answerPings answers pings until another frame comes, which it returns.
func (c *client) answerPings() (pings int, first byte, data []byte) {
	for {
		var err error
		if first, data, err = c.frame(); err != nil || first != 0x89 {
			return pings, first, data
		}
		pings++
		c.Write(clientFrame(0x8a, data))
	}
}

func TestServer_WholeNodeInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := actors.New(actors.Config{Logger: quiet()}, keys{}, actors.TenantConfig{Name: "acme"})
		s, err := New(DefaultConfig(), node, keys{}, func(r *http.Request) string { return r.Header.Get("X-Tenant") })
		if err != nil {
			t.Fatal(err)
		}
		handler, err := s.Handler(echo.Dialect{})
		if err != nil {
			t.Fatal(err)
		}
		listener, web := newPipeListener(), &http.Server{Handler: handler}
		go web.Serve(listener)

		lively, mute := listener.dial(t, "/debug/echo"), listener.dial(t, "/debug/echo")
		mustEcho(t, lively)
		mustEcho(t, mute)
		ended := make(chan error)
		go func() { // it reads, but sends nothing any more
			_, err := io.Copy(io.Discard, mute)
			mute.Close()
			ended <- err
		}()
		type heard struct {
			pings int
			code  []byte
		}
		goodbye := make(chan heard)
		go func() {
			pings, _, data := lively.answerPings()
			lively.Close()
			goodbye <- heard{pings, data}
		}()

		start := time.Now()
		if err := <-ended; err != nil || time.Since(start) > 90*time.Second {
			t.Errorf("the silent socket has ended after %v (%v)", time.Since(start), err)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if s.Sockets() != 1 {
			t.Errorf("%d sockets are open, not the one that answers", s.Sockets())
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if err := node.Drain(ctx); err != nil {
			t.Errorf("drain: %v", err)
		}
		if bye := <-goodbye; bye.pings < 20 || len(bye.code) < 2 || int(bye.code[0])<<8|int(bye.code[1]) != 1012 {
			t.Errorf("after %d pings came %q", bye.pings, bye.code)
		}
		if err := s.Wait(ctx); err != nil {
			t.Errorf("%d sockets are left: %v", s.Sockets(), err)
		}
		web.Close()
		listener.Close()
		node.Close()
		s.Close()
		time.Sleep(time.Hour) // the timers that protoactor has left run out
	})
}
