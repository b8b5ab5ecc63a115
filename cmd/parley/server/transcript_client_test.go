package server

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing/synctest"
	"time"

	ws "github.com/coder/websocket"

	"github.com/parley-realtime/parley/protocol/dialecttest"
)

// storyClient is a WebSocket client.
type transcriptClient struct {
	conn    *ws.Conn
	news    chan dialecttest.Arrival
	reading sync.WaitGroup
}

func (c *transcriptClient) read() {
	for {
		op, data, err := c.conn.Read(context.Background())
		if err != nil {
			c.news <- ended(err)
			return
		}
		c.news <- dialecttest.Arrival{Data: data, Binary: op == ws.MessageBinary}
	}
}

// ended is how a connection ended: with a close frame, or without one, which RFC 6455 section 7.1.5 calls 1006.
func ended(err error) dialecttest.Arrival {
	var end ws.CloseError
	if errors.As(err, &end) {
		return dialecttest.Arrival{Closed: true, Code: int(end.Code), Reason: end.Reason}
	}
	return dialecttest.Arrival{Closed: true, Code: int(ws.StatusAbnormalClosure),
		Reason: "cut off without a close frame"}
}

// Send implements dialecttest.Client.
func (c *transcriptClient) Send(data []byte, binary bool) {
	op := ws.MessageText
	if binary {
		op = ws.MessageBinary
	}
	_ = c.conn.Write(context.Background(), op, data) // on a closed connection nothing
	synctest.Wait()
}

// Receive implements dialecttest.Client.
func (c *transcriptClient) Receive(within time.Duration) (dialecttest.Arrival, bool) {
	synctest.Wait()
	select {
	case a := <-c.news:
		return a, true
	default:
	}
	select {
	case a := <-c.news:
		return a, true
	case <-time.After(within):
		return dialecttest.Arrival{}, false
	}
}

// Leave implements dialecttest.Client.
func (c *transcriptClient) Leave() {
	_ = c.conn.CloseNow()
	c.reading.Wait()
	synctest.Wait()
}

// pipes is a listener whose connections are pipes in this process.
type pipes struct {
	dialed chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.dialed <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialed:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }
