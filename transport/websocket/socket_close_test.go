package websocket

import (
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// reliability.md check 6: a client that is kicked while it sends at full speed sees the exact code.
func TestClosing_CloseFrameSurvivesAClientThatFloods(t *testing.T) {
	s := newServer(t, nil)
	var links []*testLink
	for range 60 {
		links = append(links, kickFlooder(t, s))
	}
	for _, link := range links {
		await(t, "Gone", link.gone)
	}
	if err := s.Wait(t.Context()); err != nil || s.Sockets() != 0 {
		t.Errorf("%d sockets are left (%v)", s.Sockets(), err)
	}
}

func kickFlooder(t *testing.T, s *Server) *testLink {
	server, conn := tcp(t)
	heard := make(chan struct{}, 1)
	link := newTestLink(func([]byte, bool) {
		select {
		case heard <- struct{}{}:
		default:
		}
	})
	k, _ := newTestSocket(s, server, link, 4096, "")
	go func() {
		flood := clientFrame(0x81, make([]byte, 1000))
		for {
			if _, err := conn.Write(flood); err != nil {
				return
			}
		}
	}()
	await(t, "the flood", heard)
	k.Close(4001, "bye")
	if code, reason := newClient(conn).closed(t); code != 4001 || reason != "bye" {
		t.Errorf("closed with %d %q", code, reason)
	}
	conn.Close()
	return link
}

func TestClosing_FramesThatWaitAreWrittenBeforeTheCloseFrame(t *testing.T) {
	s := newServer(t, nil)
	server, conn := tcp(t)
	link := newTestLink(nil)
	k, box := newTestSocket(s, server, link, 4096, "")
	for range 100 {
		box.offer(&outbox.Frame{Op: outbox.Binary, Data: make([]byte, 30_000)})
	}
	k.Close(1012, "restart")
	k.Close(1000, "second")
	c := newClient(conn)
	for i := range 100 {
		if first, data, err := c.frame(); err != nil || first != 0x82 || len(data) != 30_000 {
			t.Fatalf("frame %d came as %#x with %d bytes (%v)", i, first, len(data), err)
		}
	}
	if code, reason := c.closed(t); code != 1012 || reason != "restart" {
		t.Fatalf("closed with %d %q", code, reason)
	}
	if _, err := c.r.ReadByte(); err != io.EOF {
		t.Errorf("after the close frame comes %v, not the end", err)
	}
	conn.Close()
	await(t, "Gone", link.gone)
}

func TestClosing_CloseIsAnsweredInKind(t *testing.T) {
	s := newServer(t, nil)
	long := strings.Repeat("x", 123)
	for _, c := range []struct {
		body   string
		code   int
		reason protocol.Reason
	}{
		{"", 0, protocol.Disconnected}, {"\x03\xe8", 1000, protocol.Disconnected},
		{"\x03\xe9going", 1001, protocol.Disconnected},
		{"\x03\xf0" + long, 1008, protocol.Disconnected}, {"\x0f\xa1", 4001, protocol.Disconnected},
		{"\x03", 1002, protocol.Malformed}, {"\x03\xed", 1002, protocol.Malformed},
		{"\x03\xe8\xff", 1007, protocol.Malformed},
	} {
		server, conn := tcp(t)
		link := newTestLink(nil)
		newTestSocket(s, server, link, 4096, "")
		if _, err := conn.Write(append(clientFrame(0x88, []byte(c.body)), clientFrame(0x89, nil)...)); err != nil {
			t.Fatal(err)
		}
		peer := newClient(conn)
		if code, _ := peer.closed(t); code != c.code {
			t.Errorf("close %q is answered with %d, not %d", c.body, code, c.code)
		}
		if b, err := peer.r.ReadByte(); err != io.EOF {
			t.Errorf("after the close frame comes %#x, %v", b, err)
		}
		conn.Close()
		if reason := await(t, "Gone", link.gone); reason != c.reason {
			t.Errorf("close %q: gone as %s, not %s", c.body, reason, c.reason)
		}
	}
}

func TestClosing_BrokenProtocolEndsWithItsCode(t *testing.T) {
	s := newServer(t, nil)
	for _, c := range []struct {
		name   string
		bytes  []byte
		code   int
		reason protocol.Reason
	}{
		{"64-bit length with the top bit set", headerOf(0x82, 1<<63, 8), 1002, protocol.Malformed},
		{"one byte more than the limit", headerOf(0x82, 4097, 2), 1009, protocol.TooLarge},
		{"text that is not UTF-8", clientFrame(0x81, []byte{0xff}), 1007, protocol.Malformed},
		{"not DEFLATE", clientFrame(0xc2, []byte{0xff, 0xff, 0xff}), 1007, protocol.Malformed},
		{"inflates to 8 MiB", clientFrame(0xc2, bomb()), 1009, protocol.TooLarge},
	} {
		server, conn := tcp(t)
		link := newTestLink(nil)
		newTestSocket(s, server, link, 10_000, deflateAnswer)
		if c.code == 1009 && c.bytes[0] == 0x82 {
			c.bytes = headerOf(0x82, 10_001, 2)
		}
		if _, err := conn.Write(c.bytes); err != nil {
			t.Fatal(err)
		}
		if code, _ := newClient(conn).closed(t); code != c.code {
			t.Errorf("%s: closed with %d, not %d", c.name, code, c.code)
		}
		conn.Close()
		if reason := await(t, "Gone", link.gone); reason != c.reason {
			t.Errorf("%s: gone as %s, not %s", c.name, reason, c.reason)
		}
	}
}

// bomb is 8 MiB of zeros in about 8 KiB.
func bomb() []byte {
	form := deflatedWide(&outbox.Frame{Op: outbox.Binary, Data: make([]byte, 8<<20)})
	n := binary.BigEndian.Uint16(form[2:])
	return form[len(form)-int(n):]
}

func TestClosing_PanicWhileReadingClosesTheSocketAndCleansUp(t *testing.T) {
	s := newServer(t, func(c *Config) { c.Logger = quiet() })
	server, conn := tcp(t)
	link := newTestLink(func([]byte, bool) { panic("a bug") })
	newTestSocket(s, server, link, 4096, "")
	if _, err := conn.Write(clientFrame(0x81, []byte("boom"))); err != nil {
		t.Fatal(err)
	}
	if code, reason := newClient(conn).closed(t); code != 1011 || strings.Contains(reason, "bug") {
		t.Errorf("closed with %d %q", code, reason)
	}
	conn.Close()
	if reason := await(t, "Gone", link.gone); reason != protocol.Internal {
		t.Errorf("gone as %s", reason)
	}
	if err := s.Wait(t.Context()); err != nil || len(link.gone) != 0 || s.Sockets() != 0 {
		t.Errorf("%d sockets are left, Gone came %d times more (%v)", s.Sockets(), len(link.gone), err)
	}
}

func TestClosing_ReasonIsCutToWhatACloseFrameHolds(t *testing.T) {
	for _, c := range []struct {
		closing *closing
		bytes   int
	}{{&closing{}, 0}, {&closing{code: 1005, reason: "x"}, 0}, {&closing{code: 1000}, 2},
		{&closing{code: 1000, reason: "a\xffb"}, 5},
		{&closing{code: 1000, reason: strings.Repeat("ż", 100)}, 2 + 122}} {
		if data := c.closing.frame().Data; len(data) != c.bytes {
			t.Errorf("%d %.10q: %d bytes, not %d", c.closing.code, c.closing.reason, len(data), c.bytes)
		}
	}
}
