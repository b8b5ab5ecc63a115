// Package echo is a dialect for tests of the wire: its session sends each frame back, text as text and binary as
// binary. It knows no events, no users and no limits but that of a message, and is served only where a flag asks for
// it, on /debug/echo.
package echo

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// DefaultFrame is how large a message may be, in bytes.
const DefaultFrame = 16 << 20

// Dialect is the echo.
type Dialect struct {
	// Frame bounds a message from the client, in bytes (default DefaultFrame).
	Frame int
}

var _ protocol.Dialect = Dialect{}

// Name implements protocol.Dialect.
func (Dialect) Name() string { return "echo" }

// Paths implements protocol.Dialect.
func (Dialect) Paths() []string { return []string{"/debug/echo"} }

// Limits implements protocol.Dialect.
func (d Dialect) Limits() protocol.Limits {
	if d.Frame > 0 {
		return protocol.Limits{Frame: d.Frame}
	}
	return protocol.Limits{Frame: DefaultFrame}
}

// Open implements protocol.Dialect.
func (Dialect) Open(protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	return protocol.Opened{Session: session{}}, nil
}

// Encode implements protocol.Dialect: echo has no words for events.
func (Dialect) Encode(protocol.Delivery) protocol.Encoded { return protocol.Encoded{} }

// session has no state.
type session struct{}

// OnOpen implements protocol.Session.
func (session) OnOpen(time.Time, uint64) []protocol.Command { return nil }

// Receive sends the frame back. The frame's data is valid during the call only, so it is copied.
func (session) Receive(_ time.Time, frame protocol.ClientMessage) (int, []protocol.Command) {
	return 1, []protocol.Command{protocol.Send{Text: append([]byte(nil), frame.Data...), Binary: frame.Binary}}
}

// Answer implements protocol.Session.
func (session) Answer(protocol.Command, protocol.Outcome) []protocol.Command { return nil }

// OnTick implements protocol.Session.
func (session) OnTick(time.Time) []protocol.Command { return nil }

// OnReject has no words but the close frame.
func (session) OnReject(_ time.Time, refusal *protocol.Refusal, final bool) []protocol.Command {
	if !final {
		return nil
	}
	return protocol.End(refusal, nil)
}

// Registration is echo in the list of protocols for tests. It has no settings.
var Registration = protocol.Registration{
	Name:     "echo",
	Defaults: func() protocol.Settings { return &none{} },
	Dialects: []protocol.Description{{Name: "echo"}},
}

// none are the settings of echo.
type none struct{}

// On implements protocol.Settings.
func (*none) On() bool { return true }

// Check implements protocol.Settings.
func (*none) Check() error { return nil }

// Dialects implements protocol.Settings.
func (*none) Dialects() []protocol.Dialect { return []protocol.Dialect{Dialect{}} }
