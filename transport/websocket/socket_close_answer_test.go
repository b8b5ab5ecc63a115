package websocket

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// endings are the ways in which a client ends its socket after its messages, and the code of our close frame then.
var endings = []struct {
	name  string
	bytes []byte
	fin   bool // the client ends its side of the stream as well
	code  int  // 0 is a close frame without code, -1 none
}{
	{"a close frame", clientFrame(0x88, []byte("\x03\xe8bye")), false, 1000},
	{"a close frame without code", clientFrame(0x88, nil), false, 0},
	{"a close frame and the end of the stream", clientFrame(0x88, []byte("\x03\xe8")), true, 1000},
	{"the end of the stream", nil, true, -1},
	{"half a frame and the end of the stream", clientFrame(0x81, []byte("never whole"))[:9], true, -1},
	{"a close frame with a bad code", clientFrame(0x88, []byte("\x03\xed")), false, 1002},
	{"an unmasked frame", []byte{0x81, 0x01, 'x'}, false, 1002},
	{"a stray continuation", clientFrame(0x80, []byte("x")), false, 1002},
	{"a reserved bit on a ping", clientFrame(0xc9, nil), false, 1002},
	{"an unknown opcode", clientFrame(0x83, nil), false, 1002},
	{"text that is not UTF-8", clientFrame(0x81, []byte("\xce\xba\xff")), false, 1007},
	{"a message that is too large", headerOf(0x82, 100_001, 8), false, 1009},
}

// chunkings are the ways in which bytes are cut into packets.
var chunkings = []struct {
	name string
	send func(w io.Writer, messages, end []byte) error
}{
	{"in one packet", func(w io.Writer, messages, end []byte) error {
		_, err := w.Write(append(bytes.Clone(messages), end...))
		return err
	}},
	{"in two packets", func(w io.Writer, messages, end []byte) error {
		_, err := w.Write(messages)
		_, endErr := w.Write(end)
		return errors.Join(err, endErr)
	}},
	{"an octet at a time", func(w io.Writer, messages, end []byte) error {
		whole := len(messages) - 20
		_, err := w.Write(messages[:whole])
		for _, b := range append(messages[whole:len(messages):len(messages)], end...) {
			_, octetErr := w.Write([]byte{b})
			err = errors.Join(err, octetErr)
		}
		return err
	}},
}

// F44 (Autobahn 3.2, 3.3, 4.1.3, 4.1.4, 4.2.3, 4.2.4, 5.15): plain, behind TLS and compressed, whatever ends the socket
// and however its bytes come.
func TestClosing_WholeMessagesAreAnsweredBeforeTheEnd(t *testing.T) {
	for _, kind := range []struct {
		name   string
		secure bool
		start  func(*httptest.Server)
		offer  string
		rounds int
	}{
		{"plain", false, (*httptest.Server).Start, "", 12},
		{"TLS", true, startTLS(t), "", 2},
		{"TLS of another listener", true, (*httptest.Server).StartTLS, "", 1},
		{"compressed", false, (*httptest.Server).Start, "+Sec-WebSocket-Extensions: permessage-deflate", 4},
	} {
		h := newTestServer(t, nil, kind.start)
		for _, end := range endings {
			for _, chunking := range chunkings {
				t.Run(fmt.Sprint(kind.name, "/", end.name, " ", chunking.name), func(t *testing.T) {
					for range kind.rounds {
						c := h.dial(t, kind.secure, request("/debug/echo", kind.offer))
						short, long := []byte("the first of two"), bytes.Repeat([]byte("the second "), 100)
						messages := append(clientFrame(0x81, short), clientFrame(0x82, long)...)
						if err := chunking.send(c, messages, end.bytes); err != nil {
							t.Fatal(err)
						}
						if end.fin {
							if err := c.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
								t.Fatal(err)
							}
						}
						c.wantMessage(t, 1, short)
						c.wantMessage(t, 2, long)
						c.wantClose(t, end.code)
						c.Close()
					}
				})
			}
		}
	}
}

// F44: it makes no difference that many messages are unanswered when the client closes.
func TestClosing_ABurstIsAnsweredWholeBeforeTheEnd(t *testing.T) {
	h := newTestServer(t, nil, (*httptest.Server).Start)
	c := h.dial(t, false, request("/debug/echo"))
	var burst []byte
	for i := range 500 { // many more than the actor's mailbox holds at once
		burst = append(burst, clientFrame(0x81, fmt.Append(nil, i))...)
	}
	if _, err := c.Write(append(burst, clientFrame(0x88, []byte("\x03\xe8"))...)); err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		c.wantMessage(t, 1, fmt.Append(nil, i))
	}
	c.wantClose(t, 1000)
}

// dial connects and upgrades.
func (h *testServer) dial(t testing.TB, secure bool, request string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", h.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if secure {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(testTimeout))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	c := &client{conn, bufio.NewReader(conn)}
	if r, err := http.ReadResponse(c.r, nil); err != nil || r.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(r, err)
	}
	return c
}

// tcpWithDeadline is tcp with a client that gives up after testTimeout.
func tcpWithDeadline(t testing.TB) (server, client net.Conn) {
	t.Helper()
	server, client = tcp(t)
	client.SetDeadline(time.Now().Add(testTimeout))
	return server, client
}

// wantMessage reads a message, which may be compressed.
func (c *client) wantMessage(t testing.TB, op byte, want []byte) {
	t.Helper()
	first, data, err := c.frame()
	if err == nil && first&0x40 != 0 {
		tail := strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")
		data, err = io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(data), tail)))
	}
	if err != nil || first&0xbf != 0x80|op || !bytes.Equal(data, want) {
		t.Fatalf("heard %#x %.40q (%v), want opcode %d %.40q", first, data, err, op, want)
	}
}

// wantClose reads the close frame, if one is to come, and the end of the stream.
func (c *client) wantClose(t testing.TB, code int) {
	t.Helper()
	if code >= 0 {
		if got, reason := c.closed(t); got != code {
			t.Errorf("closed with %d %q, not %d", got, reason, code)
		}
	}
	if b, err := c.r.ReadByte(); err != io.EOF {
		t.Errorf("%#x, %v instead of the end of the stream", b, err)
	}
}

// F44: the socket waits for an answer that is made after the end of the stream has arrived.
func TestClosing_AnswerThatTakesTimeIsWaitedFor(t *testing.T) {
	for _, end := range endings {
		t.Run(end.name, func(t *testing.T) {
			s := newServer(t, func(c *Config) { c.CloseGrace = time.Hour })
			server, conn := tcpWithDeadline(t)
			finishing := make(chan func(), 1)
			link := newTestLink(nil)
			link.finish = func(then func()) { finishing <- then }
			_, box := newTestSocket(s, server, link, 100_000, "")
			if _, err := conn.Write(append(clientFrame(0x81, []byte("a question")), end.bytes...)); err != nil {
				t.Fatal(err)
			}
			if end.fin {
				conn.(*net.TCPConn).CloseWrite()
			}
			then := await(t, "the end of what the client says", finishing)
			box.offer(&outbox.Frame{Op: outbox.Text, Data: []byte("an answer")})
			then()
			c := newClient(conn)
			c.wantMessage(t, 1, []byte("an answer"))
			c.wantClose(t, end.code)
			conn.Close()
			await(t, "Gone", link.gone)
			if err := s.Wait(t.Context()); err != nil || len(link.gone) != 0 || s.Sockets() != 0 {
				t.Errorf("%d sockets are left, Gone came %d times more (%v)", s.Sockets(), len(link.gone), err)
			}
		})
	}
}

// F44: neither a handler that hangs nor a peer that goes on sending keeps the socket for longer than the grace.
func TestClosing_HandlerThatHangsKeepsTheSocketForTheGraceAtMost(t *testing.T) {
	inBubble(t, func(s *Server, _ *socket, box *testOutbox, link *testLink, conn net.Conn) {
		var then func()
		link.finish = func(f func()) { then = f }
		flooding := make(chan struct{})
		go func() {
			defer close(flooding)
			conn.Write(append(clientFrame(0x81, []byte("a question")), clientFrame(0x88, []byte("\x0f\xa1"))...))
			for err := error(nil); err == nil; { // it floods a socket that it has closed
				_, err = conn.Write(clientFrame(0x81, make([]byte, 1000)))
			}
		}()
		start, c := time.Now(), newClient(conn)
		if code, _ := c.closed(t); code != 4001 || time.Since(start) != time.Second {
			t.Errorf("closed with %d after %v", code, time.Since(start))
		}
		if reason := <-link.gone; reason != protocol.Disconnected || time.Since(start) > 3*time.Second {
			t.Errorf("gone as %s after %v", reason, time.Since(start))
		}
		<-flooding
		box.offer(&outbox.Frame{Op: outbox.Text, Data: []byte("an answer that comes too late")})
		then()
		synctest.Wait()
		if s.Sockets() != 0 {
			t.Errorf("%d sockets are open", s.Sockets())
		}
	})
}

// F44: the close frame does not overtake what the engine sends right before it closes a socket, even if the writer had
// just found that nothing waits.
func TestClosing_LastWordsOfTheEngineComeBeforeItsCloseFrame(t *testing.T) {
	s := newServer(t, nil)
	server, conn := tcpWithDeadline(t)
	k, box := newTestSocket(s, server, newTestLink(nil), 4096, "")
	box.emptied = func() {
		box.offer(&outbox.Frame{Op: outbox.Text, Data: []byte("last words")})
		k.Close(1012, "restart")
	}
	k.Wake()
	c := newClient(conn)
	c.wantMessage(t, 1, []byte("last words"))
	c.wantClose(t, 1012)
}
