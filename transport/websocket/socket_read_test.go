package websocket

import (
	"strings"
	"testing"
	"time"
)

// A client that is silent for a while and then sends again is heard, whatever the moment.
func TestReader_ParkingLosesNothing(t *testing.T) {
	s := newServer(t, nil)
	s.idleAfter = 50 * time.Microsecond
	server, conn := tcp(t)
	var box *testOutbox
	ready := make(chan struct{})
	link := newTestLink(func(data []byte, binary bool) {
		<-ready
		box.offer(text(string(data)))
	})
	k, b := newTestSocket(s, server, link, 4096, "")
	box = b
	close(ready)
	c := newClient(conn)
	for i := range 3000 {
		message := clientFrame(0x81, []byte(strings.Repeat("x", i%200)))
		if i%7 == 0 {
			message = append(clientFrame(0x8a, []byte("pong")[:i%5]), message...)
		}
		cut := i % len(message)
		conn.Write(message[:cut])
		if i%3 == 0 { // let the socket be parked in the middle of a message or between two
			for range i % 50 {
				time.Sleep(0)
			}
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
