package inproc

import (
	"bytes"
	"fmt"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Client is one client: the connection's wire, and who is at its other end.
type Client struct {
	// Static after open.
	writer *writer
	link   *actors.Link

	next *Client // the writer's queue, guarded by its mutex

	// Owned by the writer.
	received uint32 // events
}

var _ outbox.Transport = (*Client)(nil)

// Wake implements actors.Wire. The outbox wakes once until it was found empty, so nobody is in a queue twice.
func (cl *Client) Wake() { cl.writer.enqueue(cl) }

// Close implements actors.Wire. Nobody here is sent away but at the end.
func (cl *Client) Close(code uint16, reason string) {
	cl.writer.harness.faults.note(fmt.Errorf("a client was closed with %d %s", code, reason))
	cl.link.Gone(protocol.Disconnected)
}

// Cut implements actors.Wire.
func (cl *Client) Cut() { cl.Close(1006, "cut off") }

// Took is how many events the client has taken. Ask it when all have arrived.
func (cl *Client) Received() uint32 { return cl.received }

// say says lines and a ping behind them, whose answer says that they were done.
func (cl *Client) send(lines []string) {
	for _, line := range lines {
		cl.link.Receive([]byte(line), false)
	}
	cl.writer.harness.asked++
	cl.link.Receive([]byte(`{"type":"ping"}`), false)
}

// hear is what a client makes of one frame.
func (cl *Client) receive(f *outbox.Frame) {
	switch {
	case f.Born != 0:
		cl.received++
		cl.writer.events++
	case f.Op == outbox.Ping:
		cl.link.Heard()
	case bytes.Contains(f.Data, []byte(`"pong"`)):
		cl.writer.pongs++
	case bytes.Contains(f.Data, []byte(`"error"`)):
		cl.writer.harness.faults.note(fmt.Errorf("a client was told %s", f.Data))
	}
}
