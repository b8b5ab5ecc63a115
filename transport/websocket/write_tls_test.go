package websocket

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
)

// certificate is one for tests, without a file.
func certificate(t testing.TB) *tls.Config {
	t.Helper()
	h := httptest.NewTLSServer(nil)
	defer h.Close()
	return &tls.Config{Certificates: h.TLS.Certificates, NextProtos: []string{"http/1.1"}}
}

// startTLS starts a server whose sockets have records.
func startTLS(t testing.TB) func(*httptest.Server) {
	return func(h *httptest.Server) {
		h.Listener = NewTLSListener(h.Listener, certificate(t))
		h.Start()
	}
}

// tlsPair is a connected pair with TLS over loopback, after its handshake. change may change the client's side.
func tlsPair(t testing.TB, change func(*tls.Config)) (server *tls.Conn, client *tls.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(testTimeout))
	conf := &tls.Config{InsecureSkipVerify: true}
	if change != nil {
		change(conf)
	}
	accepted, err := NewTLSListener(l, certificate(t)).Accept()
	if err != nil {
		t.Fatal(err)
	}
	server, client = accepted.(*tls.Conn), tls.Client(conn, conf)
	shaken := make(chan error, 1)
	go func() { shaken <- server.Handshake() }()
	if err := errors.Join(client.Handshake(), <-shaken); err != nil {
		t.Fatal(err)
	}
	return server, client
}

// pairing makes a connected pair.
type pairing func(testing.TB) (server, client net.Conn)

// overEach runs a test over TCP and over TLS.
func overEach(t *testing.T, test func(*testing.T, pairing)) {
	t.Run("TCP", func(t *testing.T) { test(t, tcp) })
	t.Run("TLS", func(t *testing.T) {
		test(t, func(t testing.TB) (net.Conn, net.Conn) { return tlsPair(t, nil) })
	})
}

// versions are those of TLS that clients speak.
var versions = map[string]func(*tls.Config){
	"TLS 1.3": nil, "TLS 1.2": func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
}

func TestTLS_FrameOfEverySizeArrivesWholeAndInOrder(t *testing.T) {
	for name, change := range versions {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, nil)
			server, conn := tlsPair(t, change)
			k, box := newTestSocket(s, server, newTestLink(nil), 1024, "")
			if !k.nonblocking() || !k.sealed {
				t.Fatal("the socket can only be written blocking")
			}
			sizes := []int{0, 1, 125, 126, 16 << 10, 16<<10 + 1, takeBytes - 4, takeBytes, takeBytes + 1, 300_000, 7}
			var frames []*outbox.Frame
			for i, size := range sizes {
				frames = append(frames, &outbox.Frame{Op: outbox.Binary, Data: bytes.Repeat([]byte{byte(i)}, size)})
			}
			const rounds = 20 // more than the kernel takes
			for range rounds {
				box.offer(frames...)
			}
			c := newClient(conn)
			for range rounds {
				for i, f := range frames {
					if first, data, err := c.frame(); err != nil || first != 0x82 || !bytes.Equal(data, f.Data) {
						t.Fatalf("frame %d of %d bytes came as %#x with %d (%v)", i, sizes[i], first, len(data), err)
					}
				}
			}
			k.Cut()
			if err := s.Wait(t.Context()); err != nil {
				t.Error(err)
			}
			if most := len(frames) * rounds; box.wrote() > most {
				t.Errorf("%d of %d frames were settled", box.wrote(), most)
			}
		})
	}
}

func TestTLS_TheClientSeesTheEndOfTheStreamBehindTheCloseFrame(t *testing.T) {
	s := newServer(t, nil)
	server, conn := tlsPair(t, nil)
	k, box := newTestSocket(s, server, newTestLink(nil), 1024, "")
	box.offer(text("before"))
	k.Close(1001, "")
	c := newClient(conn)
	if _, data, err := c.frame(); err != nil || string(data) != "before" {
		t.Fatalf("heard %q, %v", data, err)
	}
	if first, data, err := c.frame(); err != nil || first != 0x88 || string(data) != "\x03\xe9" {
		t.Fatalf("heard %#x %q, %v", first, data, err)
	}
	if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("behind it %d bytes, %v", n, err)
	}
	conn.Close()
	if err := s.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

// crypto/tls answers an update of keys when a client asks for one, however little the client reads.
func TestRecordConn_BoundsWhatAClientAsksFor(t *testing.T) {
	r := &recordConn{}
	k := &socket{records: r, sealed: true}
	k.state.acquire() // a writer is at work, so that no other is looked for
	r.collect(k)
	answer, n := make([]byte, 27), 0
	for ; n < maxRecords; n += len(answer) {
		if _, err := r.Write(answer); err != nil {
			break
		}
	}
	if n == 0 || n > maxRecords || n+len(answer) <= maxRecords {
		t.Errorf("%d bytes were taken, of at most %d", n, maxRecords)
	}
	if k.state.release() != true {
		t.Error("nobody was called to write them")
	}
	if !needsSeal(k, false) || len(r.take()) != n || needsSeal(k, false) || !needsSeal(k, true) {
		t.Error("a writer does not get what waits")
	}
}

// Records that crypto/tls writes on its own behalf reach the client, though no frame waits.
func TestTLS_RecordsOfTheReaderAreWritten(t *testing.T) {
	s := newServer(t, nil)
	server, conn := tlsPair(t, nil)
	k, box := newTestSocket(s, server, newTestLink(nil), 1024, "")
	defer k.Cut()
	if _, err := server.Write([]byte("by another hand")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 15)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "by another hand" {
		t.Fatalf("heard %q, %v", got, err)
	}
	box.offer(text("x"))
	if _, data, err := newClient(conn).frame(); err != nil || string(data) != "x" {
		t.Errorf("heard %q, %v", data, err)
	}
}

func TestTLS_ADeliveryAllocatesNothing(t *testing.T) {
	s := newServer(t, nil)
	server, conn := tlsPair(t, nil)
	k, _ := newTestSocket(s, server, newTestLink(nil), 1024, "")
	defer k.Cut()
	go io.Copy(io.Discard, conn.NetConn())
	w := newWriter(k.queue, 512)
	frames := []*outbox.Frame{text(strings.Repeat("x", 160))}
	k.state.acquire() // no other writer comes
	deliver := func() {
		if left, _ := w.writeBatch(k, batch{frames: frames}); left != allWritten {
			t.Fatalf("outcome %d", left)
		}
	}
	deliver() // makes the buffers
	if each := testing.AllocsPerRun(100, deliver); each > 0 && !raceEnabled {
		t.Errorf("%.1f allocations per delivery", each)
	}
}

func BenchmarkWriteTLS(b *testing.B) {
	for _, size := range []int{160, 2000} {
		b.Run(fmt.Sprint(size, " bytes"), func(b *testing.B) {
			s := newServer(b, nil)
			server, conn := tlsPair(b, nil)
			_, box := newTestSocket(s, server, newTestLink(nil), 1024, "")
			conn.SetDeadline(time.Time{})
			go io.Copy(io.Discard, conn.NetConn())
			frame := &outbox.Frame{Op: outbox.Text, Data: make([]byte, size)}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				box.offer(frame)
				for box.wrote() < i-1000 { // a real outbox is bounded
					time.Sleep(0)
				}
			}
			for box.wrote() < b.N {
				time.Sleep(0)
			}
		})
	}
}
