package websocket

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// inBubble runs a test in fake time, with a socket over a pipe.
func inBubble(t *testing.T, test func(s *Server, k *socket, b *testOutbox, link *testLink, client net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(DefaultConfig(), nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		server, conn := net.Pipe()
		link := newTestLink(nil)
		k, b := newTestSocket(s, server, link, 4096, "")
		test(s, k, b, link, conn)
		conn.Close()
		if err := s.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		s.Close()
		if len(link.gone) != 0 {
			t.Errorf("Gone came %d times more", len(link.gone))
		}
	})
}

func TestClosing_UnfinishedMessageEndsAfterItsTime(t *testing.T) {
	inBubble(t, func(_ *Server, _ *socket, _ *testOutbox, link *testLink, conn net.Conn) {
		start := time.Now()
		for range 4 { // the parts come in time, the whole does not
			if _, err := conn.Write(clientFrame(0x01, nil)[:1]); err != nil {
				break
			}
			conn.Write(clientFrame(0x01, nil)[1:])
			time.Sleep(9 * time.Second)
			conn.Write(clientFrame(0x80, nil))
		}
		conn.Write([]byte{0x81})
		unfinished := time.Now()
		if code, _ := newClient(conn).closed(t); code != 1008 || time.Since(unfinished) != 29*time.Second {
			t.Errorf("closed with %d after %v", code, time.Since(unfinished))
		}
		if since := time.Since(start); since < 65*time.Second {
			t.Errorf("four messages of 9 s each ended after %v", since)
		}
		if reason := <-link.gone; reason != protocol.Silent {
			t.Errorf("gone as %s", reason)
		}
	})
}

func TestClosing_IdleSocketLivesForever(t *testing.T) {
	inBubble(t, func(_ *Server, _ *socket, b *testOutbox, link *testLink, conn net.Conn) {
		conn.Write(clientFrame(0x81, []byte("x")))
		time.Sleep(24 * time.Hour)
		b.offer(text("still there"))
		if _, data, err := newClient(conn).frame(); err != nil || string(data) != "still there" {
			t.Errorf("after a day comes %q, %v", data, err)
		}
		conn.Close()
		if reason := <-link.gone; reason != protocol.Lost {
			t.Errorf("gone as %s", reason)
		}
	})
}

// reliability.md check 39.
func TestClosing_PeerThatReadsNothingIsGoneAfterGraceAndLinger(t *testing.T) {
	inBubble(t, func(_ *Server, k *socket, b *testOutbox, link *testLink, _ net.Conn) {
		b.offer(text("nobody reads this"))
		start := time.Now()
		k.Close(1000, "")
		if reason := <-link.gone; reason != protocol.Disconnected || time.Since(start) != 2*time.Second {
			t.Errorf("gone as %s after %v", reason, time.Since(start))
		}
	})
}

func TestClosing_PeerThatDoesNotCloseIsGoneAfterLinger(t *testing.T) {
	inBubble(t, func(_ *Server, k *socket, _ *testOutbox, link *testLink, conn net.Conn) {
		start := time.Now()
		k.Close(1001, "going")
		if code, _ := newClient(conn).closed(t); code != 1001 {
			t.Errorf("closed with %d", code)
		}
		if <-link.gone; time.Since(start) != lingerTimeout {
			t.Errorf("gone after %v", time.Since(start))
		}
	})
}

func TestClosing_EndlessOffersKeepTheCloseFrameBackNoLongerThanTheGrace(t *testing.T) {
	inBubble(t, func(_ *Server, k *socket, b *testOutbox, link *testLink, conn net.Conn) {
		b.endless = &outbox.Frame{Op: outbox.Binary, Data: make([]byte, 4096)}
		k.Wake()
		c := newClient(conn)
		k.Close(1001, "going")
		start := time.Now()
		for range 1000 {
			first, _, err := c.frame()
			if err != nil {
				t.Fatal(err)
			}
			if first == 0x88 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if since := time.Since(start); since < time.Second || since > 1100*time.Millisecond {
			t.Errorf("the close frame came after %v", since)
		}
		<-link.gone
	})
}
