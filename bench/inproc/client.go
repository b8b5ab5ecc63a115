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
	took uint32 // events
}

var _ outbox.Transport = (*Client)(nil)

// Wake implements actors.Wire. The outbox wakes once until it was found empty, so nobody is in a queue twice.
func (cl *Client) Wake() { cl.writer.enqueue(cl) }

// Close implements actors.Wire. Nobody here is sent away but at the end.
func (cl *Client) Close(code uint16, reason string) {
	cl.writer.crowd.faults.note(fmt.Errorf("a client was closed with %d %s", code, reason))
	cl.link.Gone(protocol.Disconnected)
}

// Cut implements actors.Wire.
func (cl *Client) Cut() { cl.Close(1006, "cut off") }

// Took is how many events the client has taken. Ask it when all have arrived.
func (cl *Client) Took() uint32 { return cl.took }

// say says lines and a ping behind them, whose answer says that they were done.
func (cl *Client) say(lines []string) {
	for _, line := range lines {
		cl.link.Receive([]byte(line), false)
	}
	cl.writer.crowd.asked++
	cl.link.Receive([]byte(`{"type":"ping"}`), false)
}

// hear is what a client makes of one frame.
func (cl *Client) hear(f *outbox.Frame) {
	switch {
	case f.Born != 0:
		cl.took++
		cl.writer.events++
	case f.Op == outbox.Ping:
		cl.link.Heard()
	case bytes.Contains(f.Data, []byte(`"pong"`)):
		cl.writer.pongs++
	case bytes.Contains(f.Data, []byte(`"error"`)):
		cl.writer.crowd.faults.note(fmt.Errorf("a client was told %s", f.Data))
	}
}
