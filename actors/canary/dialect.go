package canary

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Dialect is what canaries speak: it encodes an event as its bare data.
type Dialect struct{}

// Name implements protocol.Dialect.
func (Dialect) Name() string { return "canary" }

// Paths implements protocol.Dialect: none lead to it.
func (Dialect) Paths() []string { return nil }

// Limits implements protocol.Dialect: there are none.
func (Dialect) Limits() protocol.Limits { return protocol.Limits{} }

// Open implements protocol.Dialect.
func (Dialect) Open(protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	return protocol.Opened{Session: session{}}, nil
}

// Encode implements protocol.Dialect.
func (Dialect) Encode(d protocol.Delivery) protocol.Encoded {
	return protocol.Encoded{Data: d.Event.Data}
}

// session subscribes to the canary's topic.
type session struct{ topic string }

func (s session) OnOpen(time.Time, uint64) []protocol.Command {
	return []protocol.Command{protocol.Subscribe{Topic: s.topic}}
}
func (session) Receive(time.Time, protocol.ClientMessage) (int, []protocol.Command) { return 0, nil }
func (session) Answer(protocol.Command, protocol.Outcome) []protocol.Command        { return nil }
func (session) OnTick(time.Time) []protocol.Command                                 { return nil }
func (session) OnReject(time.Time, *protocol.Refusal, bool) []protocol.Command      { return nil }
