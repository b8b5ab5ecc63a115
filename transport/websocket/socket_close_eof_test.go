package websocket

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// halfPipe is a pipe whose peer can end its side alone.
type halfPipe struct {
	net.Conn
	in *io.PipeReader
}

func (h halfPipe) Read(p []byte) (int, error)      { return h.in.Read(p) }
func (h halfPipe) Close() error                    { h.in.Close(); return h.Conn.Close() }
func (h halfPipe) SetReadDeadline(time.Time) error { return nil }

// F44: the same where the peer has ended its side of the stream. It gets no close frame, since it sent none, and the
// socket ends as soon as all is answered.
func TestClosing_HalfClosedSocketLastsUntilItsAnswerOrForTheGrace(t *testing.T) {
	for name, c := range map[string]struct {
		finish func(func())
		after  time.Duration
	}{
		"answered": {func(then func()) { then() }, 0},
		"hanging":  {func(func()) {}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := New(DefaultConfig(), nil, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				server, conn := net.Pipe()
				in, say := io.Pipe()
				link := newTestLink(nil)
				link.finish = c.finish
				newTestSocket(s, halfPipe{server, in}, link, 4096, "")
				start := time.Now()
				say.Write(clientFrame(0x81, []byte("a question")))
				say.Close()
				if b, err := newClient(conn).r.ReadByte(); err != io.EOF || time.Since(start) != c.after {
					t.Errorf("%#x, %v after %v", b, err, time.Since(start))
				}
				if reason := <-link.gone; reason != protocol.Lost || time.Since(start) != c.after {
					t.Errorf("gone as %s after %v", reason, time.Since(start))
				}
				if err := s.Wait(t.Context()); err != nil {
					t.Error(err)
				}
				s.Close()
			})
		})
	}
}

// F44: events that wait are kept for a client that may come back, not written to one that may be gone.
func TestClosing_HalfClosedSocketOfAClientThatMayComeBackIsLostAtOnce(t *testing.T) {
	s := newServer(t, func(c *Config) { c.CloseGrace = time.Hour })
	server, conn := tcpWithDeadline(t)
	link := newTestLink(nil)
	link.resumable = true
	link.finish = func(func()) { t.Error("an answer was waited for") }
	newTestSocket(s, server, link, 4096, "")
	if _, err := conn.Write(clientFrame(0x81, []byte("a question"))); err != nil {
		t.Fatal(err)
	}
	conn.(*net.TCPConn).CloseWrite()
	if reason := await(t, "Gone", link.gone); reason != protocol.Lost {
		t.Errorf("gone as %s", reason)
	}
	newClient(conn).wantClose(t, -1)
}

// F44: the socket does not wait for a peer that has reset the stream.
func TestClosing_ResetSocketIsLostAtOnce(t *testing.T) {
	s := newServer(t, func(c *Config) { c.CloseGrace = time.Hour })
	server, conn := tcp(t)
	heard := make(chan struct{}, 1)
	link := newTestLink(func([]byte, bool) { heard <- struct{}{} })
	link.finish = func(func()) { t.Error("an answer was waited for") }
	newTestSocket(s, server, link, 4096, "")
	if _, err := conn.Write(clientFrame(0x81, []byte("a question"))); err != nil {
		t.Fatal(err)
	}
	await(t, "the question", heard)
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
	if reason := await(t, "Gone", link.gone); reason != protocol.Lost {
		t.Errorf("gone as %s", reason)
	}
}
