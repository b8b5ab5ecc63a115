package inproc

import (
	"bytes"
	"fmt"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Client is one client: the transport of its connection, and the client behind it.
type Client struct {
	// Static after open.
	writer *writer
	link   *actors.Conn

	next *Client // the writer's queue, guarded by its mutex

	// Owned by the writer.
	received uint32 // events
}

var _ outbox.Transport = (*Client)(nil)

// Wake implements outbox.Transport. The outbox calls it once until a take finds it empty, so a client is never queued
// twice.
func (cl *Client) Wake() { cl.writer.enqueue(cl) }

// Close implements outbox.Transport. The node closes no client before the end; until then a close is a fault.
func (cl *Client) Close(code uint16, reason string) {
	cl.writer.harness.faults.note(fmt.Errorf("a client was closed with %d %s", code, reason))
	cl.link.Gone(protocol.Disconnected)
}

// Cut implements outbox.Transport.
func (cl *Client) Cut() { cl.Close(1006, "cut off") }

// Received is how many events the client has received. Call it after all have arrived.
func (cl *Client) Received() uint32 { return cl.received }

// send sends lines and a ping behind them, whose reply proves that the node has handled the lines.
func (cl *Client) send(lines []string) {
	for _, line := range lines {
		cl.link.Receive([]byte(line), false)
	}
	cl.writer.harness.asked++
	cl.link.Receive([]byte(`{"type":"ping"}`), false)
}

// receive handles one frame.
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
