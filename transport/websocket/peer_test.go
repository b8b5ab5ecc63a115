package websocket

import (
	"bufio"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
)

// testTimeout is how long a test waits for something that has to happen. No test waits for it to pass.
const testTimeout = 20 * time.Second

// testOutbox is an outbox that a test fills.
type testOutbox struct {
	mu      sync.Mutex
	wire    outbox.Transport
	frames  []*outbox.Frame
	awake   bool
	written int

	pressure outbox.Backpressure // below 0 by the frames that were acknowledged
	endless  *outbox.Frame       // it waits whenever no other frame does; nil for none
	parked   chan bool           // as SetParked gets it
	emptied  func()              // called once, when Take has found nothing
}

func newTestOutbox() *testOutbox { return &testOutbox{parked: make(chan bool, 64)} }

func (b *testOutbox) offer(frames ...*outbox.Frame) {
	b.mu.Lock()
	b.frames = append(b.frames, frames...)
	wake := !b.awake
	b.awake = true
	b.mu.Unlock()
	if wake {
		b.wire.Wake()
	}
}

func (b *testOutbox) Take(into []*outbox.Frame, max int) []*outbox.Frame {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.endless != nil {
		return append(into, b.endless)
	}
	if len(b.frames) == 0 {
		b.awake = false
		if emptied := b.emptied; emptied != nil {
			b.emptied = nil
			b.mu.Unlock()
			emptied()
			b.mu.Lock()
		}
		return into
	}
	n, size := 0, 0
	for n < len(b.frames) && (n == 0 || size+len(b.frames[n].Data)+16 <= max) {
		size += len(b.frames[n].Data) + 16
		n++
	}
	into = append(into, b.frames[:n]...)
	b.frames = b.frames[n:]
	return into
}

func (b *testOutbox) Ack(frames []*outbox.Frame, _ int64) (freed int, more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.written += len(frames)
	b.awake = b.endless != nil || len(b.frames) > 0
	return len(frames), b.awake
}

func (b *testOutbox) Backpressure() *outbox.Backpressure { return &b.pressure }

func (b *testOutbox) SetParked(parked bool) { b.parked <- parked }

func (b *testOutbox) SendControl(op outbox.Op, data []byte, _ bool) int {
	f := &outbox.Frame{Op: op, Data: data}
	b.offer(f)
	return f.Size()
}

func (b *testOutbox) Charge(n int) bool { return n >= 0 }

func (b *testOutbox) wrote() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.written
}

// testLink is a link that passes what it receives to a test.
type testLink struct {
	hear      func(data []byte, binary bool)
	finish    func(then func()) // nil answers all at once
	resumable bool
	noted     *recorder.Close      // the first
	gone      chan protocol.Reason // with room to show a second Gone
	heard     atomic.Int64         // how often it was told that the client lives
}

func newTestLink(hear func([]byte, bool)) *testLink {
	return &testLink{hear: hear, gone: make(chan protocol.Reason, 8)}
}

func (link *testLink) Receive(data []byte, binary bool) {
	if link.hear != nil {
		link.hear(data, binary)
	}
}
func (link *testLink) Heard()          { link.heard.Add(1) }
func (link *testLink) Resumable() bool { return link.resumable }
func (link *testLink) Finish(_ protocol.Reason, then func()) {
	if link.finish != nil {
		link.finish(then)
		return
	}
	then()
}
func (link *testLink) Note(e recorder.Close) {
	if link.noted == nil {
		link.noted = &e
	}
}
func (link *testLink) Gone(reason protocol.Reason) { link.gone <- reason }

// newServer returns a server without a node, for sockets made by newTestSocket.
func newServer(t testing.TB, change func(*Config)) *Server {
	t.Helper()
	config := DefaultConfig()
	if change != nil {
		change(&config)
	}
	s, err := New(config, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// newTestSocket makes a socket of conn; extensions is the answer to an offer of compression.
func newTestSocket(s *Server, conn net.Conn, link *testLink, limit int, extensions string) (*socket, *testOutbox) {
	agreed := extensionAnswer{}
	if extensions != "" {
		agreed = extensionAnswer{extensions, wideWindow}
	}
	return newTestSocketWith(s, conn, link, limit, agreed)
}

func newTestSocketWith(
	s *Server, conn net.Conn, link *testLink, limit int, agreed extensionAnswer,
) (*socket, *testOutbox) {
	b := newTestOutbox()
	r := &route{upgrader: s.upgrader(limit), limits: &frameLimits{
		message: uint64(limit), fragments: uint32(s.config.Fragments), controls: uint32(s.config.ControlFrames)}}
	k := newSocket(s, conn, nil, r, agreed.window)
	k.link, k.outbox, b.wire = link, b, k
	collectRecords(k)
	s.socketCount.Add(1)
	s.addLive()
	k.startReading()
	return k, b
}

// tcp is a connected pair over loopback.
func tcp(t testing.TB) (server, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return server, client
}

// clientFrame is one frame from a client, masked with zeros.
func clientFrame(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// client reads frames of a server.
type client struct {
	net.Conn
	r *bufio.Reader
}

func newClient(conn net.Conn) *client { return &client{conn, bufio.NewReader(conn)} }

func (c *client) frame() (first byte, payload []byte, err error) {
	var head [2]byte
	if _, err = io.ReadFull(c.r, head[:]); err != nil {
		return 0, nil, err
	}
	n := uint64(head[1])
	var more [8]byte
	switch n {
	case 126:
		_, err = io.ReadFull(c.r, more[:2])
		n = uint64(binary.BigEndian.Uint16(more[:]))
	case 127:
		_, err = io.ReadFull(c.r, more[:])
		n = binary.BigEndian.Uint64(more[:])
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(c.r, payload)
	return head[0], payload, err
}

// closed reads until the close frame and returns its code (0 for none in it) and reason.
func (c *client) closed(t testing.TB) (code int, reason string) {
	t.Helper()
	for {
		first, payload, err := c.frame()
		if err != nil {
			t.Fatalf("the stream ended without a close frame: %v", err)
		}
		if first&15 != 8 {
			continue
		}
		if len(payload) >= 2 {
			code, reason = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
		}
		return code, reason
	}
}

// await returns what comes from ch.
func await[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(testTimeout):
		t.Fatalf("%s did not come within %v", what, testTimeout)
		panic("unreachable")
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
