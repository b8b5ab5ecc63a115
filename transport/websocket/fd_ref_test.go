package websocket

import (
	"encoding/binary"
	"net"
	"runtime"
	"sync"
	"testing"

	"github.com/parley-realtime/parley/actors/outbox"
)

func TestFDRef_HolderClosesAConnectionThatEndsMeanwhile(t *testing.T) {
	var f fdRef
	if !f.acquire() || f.release() || !f.acquire() {
		t.Fatal("it cannot be acquired twice in turn")
	}
	if f.close() {
		t.Error("it is closed while a holder writes")
	}
	if f.acquire() || !f.release() {
		t.Error("the holder does not close it")
	}
	var idle fdRef
	if !idle.close() || idle.acquire() {
		t.Error("without a holder it is not closed at once")
	}
}

// A closed descriptor belongs to the next connection a moment later: frames of the old one may not be written to it.
func TestFDRef_SocketThatEndsDuringAWriteKeepsItsDescriptorUntilTheWriterIsDone(t *testing.T) {
	s := newServer(t, nil)
	server, conn := tcp(t)
	link := newTestLink(nil)
	k, box := newTestSocket(s, server, link, 1024, "")
	box.frames = []*outbox.Frame{text("for the old one")}
	box.mu.Lock() // the writer will block in Take
	k.Wake()
	for k.fd.state.Load() != fdHeld {
		runtime.Gosched()
	}
	k.Cut()
	await(t, "Gone", link.gone)
	for range 3 {
		for _, other := range both(tcp(t)) {
			if fdOf(other) == k.fd.number {
				t.Error("its descriptor is another connection's while the writer may write to it")
			}
		}
	}
	box.mu.Unlock()
	if _, data, err := newClient(conn).frame(); err != nil || string(data) != "for the old one" {
		t.Errorf("the writer wrote %q, %v", data, err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection was not closed")
	}
	if err := s.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func both(a, b net.Conn) [2]net.Conn { return [2]net.Conn{a, b} }

// Sockets end while frames are offered, and new connections get their descriptors.
func TestFDRef_NothingReachesTheConnectionThatGetsTheDescriptorNext(t *testing.T) {
	const generations, frames = 300, 16
	s := newServer(t, nil)
	var reading sync.WaitGroup
	for g := range uint32(generations) {
		server, conn := tcp(t)
		_ = server.(*net.TCPConn).SetLinger(0) // or the machine would run out of ports
		k, box := newTestSocket(s, server, newTestLink(nil), 1024, "")
		reading.Go(func() {
			c := newClient(conn)
			for {
				_, data, err := c.frame()
				if err != nil {
					return // cut, perhaps in mid frame
				}
				if of := binary.BigEndian.Uint32(data); of != g {
					t.Errorf("connection %d got a frame for %d", g, of)
				}
			}
		})
		var ending sync.WaitGroup
		ending.Go(func() {
			for range frames {
				box.offer(&outbox.Frame{Op: outbox.Binary, Data: binary.BigEndian.AppendUint32(nil, g)})
			}
		})
		ending.Go(k.Cut)
		ending.Wait()
	}
	reading.Wait()
	if err := s.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}
