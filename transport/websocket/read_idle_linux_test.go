package websocket

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func TestIdle_OnlyWholePongsLeaveASocketParked(t *testing.T) {
	pong, text := clientFrame(0x8a, nil), clientFrame(0x81, []byte("x"))
	long := clientFrame(0x8a, bytes.Repeat([]byte("x"), 125))
	for name, c := range map[string]struct {
		came []byte
		want bool
	}{
		"one":                     {pong, true},
		"several, with bodies":    {append(append(append([]byte(nil), pong...), long...), pong...), true},
		"a cut one":               {long[:len(long)-1], false},
		"a cut header":            {pong[:1], false},
		"one and a cut one":       {append(append([]byte(nil), long...), pong[:5]...), false},
		"one and a message":       {append(append([]byte(nil), pong...), text...), false},
		"a message":               {text, false},
		"a ping":                  {clientFrame(0x89, nil), false},
		"a close frame":           {clientFrame(0x88, nil), false},
		"a fragment of one":       {clientFrame(0x0a, nil), false},
		"one with a reserved bit": {clientFrame(0xca, nil), false},
		"one that is not masked":  {[]byte{0x8a, 4, 0, 0, 0, 0}, false},
		"one that is too long":    {clientFrame(0x8a, make([]byte, 126)), false},
	} {
		if got := onlyPongs(c.came); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// The reader's goroutine would keep the socket from being parked for as long as the test takes.
func TestIdle_AClientThatOnlyAnswersPingsIsHeardAndStaysParked(t *testing.T) {
	s := newServer(t, nil)
	s.idleAfter = time.Hour
	server, conn := tcp(t)
	link := newTestLink(func([]byte, bool) { t.Error("a pong came as a message") })
	k, _ := newTestSocket(s, server, link, 4096, "")
	for i := range int64(100) {
		conn.Write(clientFrame(0x8a, []byte("pong")))
		for link.heard.Load() <= i {
			runtime.Gosched()
		}
	}
	for s.idle.remove(int(k.fd.number), k) == nil { // the poller may be about to park it
		runtime.Gosched()
	}
	go k.read()
	k.Cut()
	if err := s.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestIdle_AFloodOfPongsEndsAParkedSocket(t *testing.T) {
	s := newServer(t, func(c *Config) { c.ControlFrames = 5 })
	server, conn := tcp(t)
	link := newTestLink(nil)
	newTestSocket(s, server, link, 4096, "")
	conn.Write(bytes.Repeat(clientFrame(0x8a, nil), 40)) // however the clock's seconds fall
	if first, data, err := newClient(conn).frame(); err != nil || first != 0x88 || string(data[:2]) != "\x03\xf0" {
		t.Errorf("got %x %q, %v; want a close frame with 1008", first, data, err)
	}
	conn.Close()
	if why := <-link.gone; why != protocol.RateLimited {
		t.Errorf("it ended as %s", why)
	}
}
