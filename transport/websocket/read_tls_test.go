package websocket

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// As TestReader_ParkingLosesNothing, with records that are cut anywhere.
func TestTLS_ParkingLosesNothing(t *testing.T) {
	s := newServer(t, nil)
	s.idleAfter = 50 * time.Microsecond
	server, conn := tlsPair(t, nil)
	var box *testOutbox
	ready := make(chan struct{})
	k, b := newTestSocket(s, server, newTestLink(func(data []byte, _ bool) {
		<-ready
		box.offer(text(string(data)))
	}), 4096, "")
	box = b
	close(ready)
	c := newClient(conn)
	for i := range 2000 {
		message := clientFrame(0x81, []byte(strings.Repeat("x", i%200)))
		cut := i % len(message)
		conn.Write(message[:cut])
		for range i % 3 * 20 {
			time.Sleep(0)
		}
		conn.Write(message[cut:])
		if _, data, err := c.frame(); err != nil || len(data) != i%200 {
			t.Fatalf("message %d came back with %d bytes, %v", i, len(data), err)
		}
	}
	k.Cut()
	if err := s.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

// A crypto/tls with other buffers would cost memory without a word.
func TestTLS_ReadersBuffersAreFreedOnlyWhenTheyAreEmpty(t *testing.T) {
	if len(tlsBuffers) != 2 {
		t.Fatal("crypto/tls has other buffers now")
	}
	server, conn := tlsPair(t, nil)
	if _, err := io.WriteString(conn, "first"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 2)
	if _, err := server.Read(got); err != nil {
		t.Fatal(err)
	}
	input := (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(server), tlsBuffers[0]))
	if input.Cap() == 0 {
		t.Fatal("it has no buffer after reading")
	}
	freeBuffers(server)
	if input.Cap() != 0 {
		t.Errorf("%d bytes are kept", input.Cap())
	}
	rest := make([]byte, 3)
	if _, err := io.ReadFull(server, rest); err != nil || string(got)+string(rest) != "first" {
		t.Errorf("heard %q and %q, %v", got, rest, err)
	}
	input.WriteString("a part of a record")
	if freeBuffers(server); input.String() != "a part of a record" {
		t.Error("what is not decrypted yet was lost")
	}
}
