package lifecycle

import (
	"log/slog"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// Sink takes the lifecycle events of one tenant to its backend.
type Sink interface {
	// Emit takes one event: its epoch, its number within the epoch, and its JSON, which nobody changes any more. It
	// never blocks, and one goroutine at a time calls it.
	Emit(epoch string, number uint64, text []byte)
}

// Config says where the lifecycle events of a tenant's connections and users go. The zero value switches them off.
type Config struct {
	// Topic appends the events to protocol.LifecycleTopic, by the tenant's rules for that topic.
	Topic bool
	// Sink gets the events; nil for none.
	Sink Sink
	// Of are the types of the events that are emitted; empty for all.
	Of []protocol.LifecycleType
}

// On reports whether the events go anywhere.
func (c *Config) On() bool { return c.Topic || c.Sink != nil }

// Host is what the actor has of its node and its tenant.
type Host struct {
	Tenant      string
	MailboxSize int // messages
	Log         *slog.Logger
	Wheel       *timer.Wheel
	Supervisor  *mailbox.Supervisor
	// Append hands an event to the topic. It may block for the topic only as long as events would get into another
	// order otherwise.
	Append func(*protocol.Event) *fanout.Result
	// Stopped is called once, when the actor has ended.
	Stopped func()
}
