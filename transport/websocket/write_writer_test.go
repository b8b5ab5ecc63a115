package websocket

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

func text(s string) *outbox.Frame { return &outbox.Frame{Op: outbox.Text, Data: []byte(s)} }

func TestWriter_OrderOfEachPublisherIsKeptUnderConcurrency(t *testing.T) {
	const publishers, each = 8, 1500
	s := newServer(t, nil)
	server, conn := tcp(t)
	k, box := newTestSocket(s, server, newTestLink(nil), 1024, "")
	var publishing sync.WaitGroup
	for p := range publishers {
		publishing.Go(func() {
			for i := range each {
				data := binary.BigEndian.AppendUint32([]byte{byte(p)}, uint32(i))
				box.offer(&outbox.Frame{Op: outbox.Binary, Data: append(data, make([]byte, i%300)...)})
			}
		})
	}
	c, next := newClient(conn), [publishers]uint32{}
	for range publishers * each {
		first, data, err := c.frame()
		if err != nil || first != 0x82 {
			t.Fatalf("frame %#x, %v", first, err)
		}
		if i := binary.BigEndian.Uint32(data[1:]); i != next[data[0]] || len(data) != 5+int(i)%300 {
			t.Fatalf("publisher %d: got %d of %d bytes, want %d", data[0], i, len(data), next[data[0]])
		}
		next[data[0]]++
	}
	publishing.Wait()
	k.Cut()
	err := s.Wait(t.Context())
	s.Close() // a writer relieves after the sockets that it serves
	if err != nil || box.wrote() != publishers*each || box.pressure.Bytes() != -publishers*each {
		t.Errorf("of %d frames %d were settled and %d relieved (%v)",
			publishers*each, box.wrote(), -box.pressure.Bytes(), err)
	}
}

func TestWriter_FrameOfEverySizeArrivesWhole(t *testing.T) {
	s := newServer(t, nil)
	server, conn := tcp(t)
	k, box := newTestSocket(s, server, newTestLink(nil), 1024, "")
	defer k.Cut()
	sizes := []int{0, 1, 125, 126, 127, shareAbove, shareAbove + 1, 65535, 65536, takeBytes * 3, 5 << 20, 2}
	for i, n := range sizes {
		box.offer(&outbox.Frame{Op: outbox.Binary, Data: bytes.Repeat([]byte{byte(i)}, n)})
	}
	c := newClient(conn)
	for i, n := range sizes {
		first, data, err := c.frame()
		if err != nil || first != 0x82 || !bytes.Equal(data, bytes.Repeat([]byte{byte(i)}, n)) {
			t.Fatalf("frame of %d bytes came as %#x with %d bytes (%v)", n, first, len(data), err)
		}
	}
}

// An event may be several frames, such as a text with attachments. They go out side by side, in each form.
func TestWriter_FramesThatFollowAnotherGoOutRightBehindIt(t *testing.T) {
	for _, answer := range []string{"", deflateAnswer} {
		for _, size := range []int{1, 200, shareAbove, 5 << 20} {
			s := newServer(t, nil)
			server, conn := tcp(t)
			k, box := newTestSocket(s, server, newTestLink(nil), 1024, answer)
			random := make([]byte, size)
			rand.NewChaCha8([32]byte{}).Read(random)
			whole := text("head")
			whole.Next = &outbox.Frame{Op: outbox.Binary, Data: random, Next: text("tail")}
			box.offer(whole, text("next"))
			c := newClient(conn)
			for i, want := range []string{"head", string(random), "tail", "next"} {
				op := byte(0x81)
				if i == 1 {
					op = 0x82
				}
				if first, data, err := c.frame(); err != nil || first != op || string(data) != want {
					t.Fatalf("%d bytes with %q: frame %d came as %#x with %d bytes (%v)", size, answer, i, first,
						len(data), err)
				}
			}
			k.Cut()
		}
	}
}

func TestWriter_FullSocketIsParkedAndComesBackToTheWriters(t *testing.T) {
	overEach(t, func(t *testing.T, pair pairing) {
		s := newServer(t, nil)
		server, conn := pair(t)
		k, box := newTestSocket(s, server, newTestLink(nil), 1024, "")
		defer k.Cut()
		const frames = 12_000
		for i := range frames { // 12 MB, more than the kernel takes at both ends
			box.offer(text(fmt.Sprintf("%d%1000s", i, "")))
		}
		if !await(t, "Park", box.parked) {
			t.Fatal("the outbox was unparked first")
		}
		other, otherConn := pair(t)
		_, otherBox := newTestSocket(s, other, newTestLink(nil), 1024, "")
		for range 50 { // a socket of the same writer is not delayed
			otherBox.offer(text("hello"))
			if _, data, err := newClient(otherConn).frame(); err != nil || string(data) != "hello" {
				t.Fatalf("beside the full socket came %q, %v", data, err)
			}
		}
		c := newClient(conn)
		for i := range frames {
			if _, data, err := c.frame(); err != nil || string(data) != fmt.Sprintf("%d%1000s", i, "") {
				t.Fatalf("frame %d came as %.20q (%v)", i, data, err)
			}
		}
		if await(t, "the end of parking", box.parked) {
			t.Fatal("parked twice")
		}
		box.offer(text("after"))
		if _, data, err := c.frame(); err != nil || string(data) != "after" {
			t.Fatalf("after parking came %q, %v", data, err)
		}
		otherConn.Close()
	})
}

// reliability.md check 39: the connection and goroutines of a stopped reader end, however much waits.
func TestWriter_PeerThatTakesNothingIsCutOffAsSlow(t *testing.T) {
	overEach(t, func(t *testing.T, pair pairing) {
		s := newServer(t, func(c *Config) { c.WriteTimeout = 200 * time.Millisecond })
		server, _ := pair(t)
		link := newTestLink(nil)
		_, box := newTestSocket(s, server, link, 1024, "")
		for range 64 {
			box.offer(&outbox.Frame{Op: outbox.Binary, Data: make([]byte, 256<<10)})
		}
		if reason := await(t, "Gone", link.gone); reason != protocol.Slow {
			t.Errorf("gone as %s, not %s", reason, protocol.Slow)
		}
		if err := s.Wait(t.Context()); err != nil || s.Sockets() != 0 || len(link.gone) != 0 {
			t.Errorf("%d sockets are left, Gone came %d times more (%v)", s.Sockets(), len(link.gone), err)
		}
	})
}

func TestWriter_CutEndsAtOnceWhateverWaits(t *testing.T) {
	overEach(t, func(t *testing.T, pair pairing) {
		s := newServer(t, nil)
		server, _ := pair(t)
		link := newTestLink(nil)
		k, box := newTestSocket(s, server, link, 1024, "")
		for range 64 {
			box.offer(&outbox.Frame{Op: outbox.Binary, Data: make([]byte, 256<<10)})
		}
		await(t, "Park", box.parked)
		k.Cut()
		k.Cut()
		k.Close(1000, "too late")
		if reason := await(t, "Gone", link.gone); reason != protocol.Disconnected {
			t.Errorf("gone as %s", reason)
		}
		if err := s.Wait(t.Context()); err != nil || len(link.gone) != 0 {
			t.Errorf("Gone came %d times more (%v)", len(link.gone), err)
		}
	})
}

func TestWriter_CompressedFormIsMadeOnceAndShared(t *testing.T) {
	s := newServer(t, nil)
	frames := []*outbox.Frame{text(string(bytes.Repeat([]byte("the same again "), 60))), text("short"),
		{Op: outbox.Ping, Data: nil}}
	for range 3 {
		server, conn := tcp(t)
		k, box := newTestSocket(s, server, newTestLink(nil), 1024, deflateAnswer)
		box.offer(frames...)
		c := newClient(conn)
		first, packed, err := c.frame()
		if err != nil || first != 0xc1 {
			t.Fatalf("first byte %#x, %v", first, err)
		}
		packed = append(packed, 0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff)
		plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
		if err != nil || !bytes.Equal(plain, frames[0].Data) {
			t.Fatalf("inflates to %q, %v", plain, err)
		}
		if first, data, _ := c.frame(); first != 0x81 || string(data) != "short" {
			t.Errorf("a short text came as %#x %q", first, data)
		}
		if first, _, _ := c.frame(); first != 0x89 {
			t.Errorf("a ping came as %#x", first)
		}
		k.Cut()
	}
	remade := func(*outbox.Frame) []byte { t.Error("form 1 was not kept"); return nil }
	frames[0].Form(int(wideWindow), remade)
	if form := deflatedWide(&outbox.Frame{Op: outbox.Text, Data: []byte("abc")}); form[0] != 0x81 {
		t.Errorf("what compression makes longer goes out with first byte %#x", form[0])
	}
}

// F46: a client that asks for a small window gets frames that it can inflate with it, and the others get their own.
func TestWriter_EachWindowGetsAFormOfItsOwn(t *testing.T) {
	random := make([]byte, 1000)
	rand.NewChaCha8([32]byte{}).Read(random)
	near := &outbox.Frame{Op: outbox.Binary, Data: bytes.Repeat(random[:200], 5)}
	// A small window has forgotten the first 1,000 bytes when the second come.
	far := &outbox.Frame{Op: outbox.Binary, Data: bytes.Repeat(random, 3)}
	s := newServer(t, nil)
	for _, c := range []struct {
		offer       string
		near, far   byte // the first byte of each frame
		most, least int  // bytes of near on the wire
	}{
		{"", 0x82, 0x82, 1000, 1000},
		{"permessage-deflate", 0xc2, 0xc2, 300, 200},
		{"permessage-deflate; server_max_window_bits=12", 0xc2, 0xc2, 300, 200},
		{"permessage-deflate; server_max_window_bits=11", 0xc2, 0x82, 300, 200},
		{"permessage-deflate; server_max_window_bits=9", 0xc2, 0x82, 300, 200},
		{"permessage-deflate; server_max_window_bits=8", 0xc2, 0x82, 300, 200},
	} {
		t.Run(c.offer, func(t *testing.T) {
			server, conn := tcpWithDeadline(t)
			k, box := newTestSocketWith(s, server, newTestLink(nil), 1024, negotiate([]string{c.offer}))
			defer k.Cut()
			box.offer(near, far)
			peer := newClient(conn)
			first, data, err := peer.frame()
			if err != nil || first != c.near || len(data) > c.most || len(data) < c.least {
				t.Errorf("what repeats itself soon came as %#x with %d bytes (%v)", first, len(data), err)
			}
			first, data, err = peer.frame()
			if err != nil || first != c.far || first == 0x82 && !bytes.Equal(data, far.Data) {
				t.Errorf("what repeats itself late came as %#x with %d bytes (%v)", first, len(data), err)
			}
		})
	}
}

// A TLS connection or a pipe has a goroutine while something waits, and no goroutine of ours writes to it while idle.
func TestSlowWriter_WritesToConnectionsThatBlock(t *testing.T) {
	s := newServer(t, nil)
	server, conn := net.Pipe()
	k, box := newTestSocket(s, server, newTestLink(nil), 1024, "")
	if k.nonblocking() {
		t.Fatal("a pipe has a raw connection")
	}
	c := newClient(conn)
	for i := range 100 {
		box.offer(text("a"), &outbox.Frame{Op: outbox.Binary, Data: make([]byte, i*1000)}, text("b"))
		for _, want := range []int{1, i * 1000, 1} {
			if _, data, err := c.frame(); err != nil || len(data) != want {
				t.Fatalf("round %d: %d bytes instead of %d (%v)", i, len(data), want, err)
			}
		}
	}
	conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if err := s.Wait(ctx); err != nil {
		t.Error(err)
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, sockets := range []int{1, 100} {
		b.Run(fmt.Sprintf("%d_sockets", sockets), func(b *testing.B) {
			s := newServer(b, nil)
			var boxes []*testOutbox
			for range sockets {
				server, conn := tcp(b)
				_, box := newTestSocket(s, server, newTestLink(nil), 1024, "")
				boxes = append(boxes, box)
				go io.Copy(io.Discard, conn)
			}
			frame := &outbox.Frame{Op: outbox.Text, Data: make([]byte, 160)}
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				box := boxes[i%sockets]
				box.offer(frame)
				if i%sockets == 0 {
					for box.wrote() < i/sockets-1000 { // a real outbox is bounded
						time.Sleep(0)
					}
				}
			}
			for _, box := range boxes {
				for box.wrote() < b.N/sockets {
					time.Sleep(0)
				}
			}
		})
	}
}
