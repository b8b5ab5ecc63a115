package resume

import (
	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Session is what a connection leaves for its client. It belongs to the user's actor, or to the connection that took it
// from the Store.
type Session struct {
	// Static.
	Tenant     string
	Dialect    protocol.Dialect
	Client     string
	Identity   *protocol.Identity
	Number     uint64 // of the connection
	Until      int64  // as timer.Wheel.Since tells it
	Projection *protocol.Projection
	Borrowed   bool // the connection heard something by another grant than its own

	// Detached is what waited in the connection's outbox; Bound bounds its events.
	Detached      outbox.Detached
	Subscriptions fanout.Subscriptions
	Checkpoints   []Checkpoint
	Broadcast     protocol.Position
	cut           int // how many of the oldest frames there was no room for
	size          int // bytes, about

	// Missed are the events to the user meanwhile that there was no room for. The user's actor counts them.
	Missed int

	// Guarded by the lock of the Store, while it holds the session.
	sent []*outbox.Frame // events to the user meanwhile
	held bool
}

// Checkpoint is where a topic stood; the zero position is unknown.
type Checkpoint struct {
	Topic string
	At    protocol.Position
}

// MaxSession bounds a session, in bytes; the others are what its parts count as.
const (
	MaxSession       = 256 << 10
	sessionSize      = 512
	subscriptionSize = 192
	checkpointSize   = 64
)

// Bound finds the session's size, and forgets the oldest frames if it is above MaxSession.
func (r *Session) Bound() {
	r.size = sessionSize + len(r.Client) + subscriptionSize*len(r.Subscriptions) + checkpointSize*len(r.Checkpoints)
	for _, m := range r.Checkpoints {
		r.size += len(m.Topic)
	}
	events := r.Detached.Events
	from := len(events)
	for from > 0 && r.size+events[from-1].Size() <= MaxSession {
		from--
		r.size += events[from].Size()
	}
	r.cut, r.Detached.Events = from, events[from:]
}

// Unwritten returns the events that were not written, and how many of those there was no room for.
func (r *Session) Unwritten() (events []*outbox.Frame, cut int) {
	r.Detached.AwaitFlush() // its client may be back before the writer has noted what it wrote
	written := r.Detached.LateAcks()
	for i, f := range r.Detached.Events {
		if r.cut+i >= written && f.IsEvent() {
			events = append(events, f)
		}
	}
	return events, max(0, r.cut-written)
}

// Events returns how many events are missed if the session is given up, as far as it knows; one at least.
func (r *Session) Events() int { return max(1, len(r.Detached.Events)+r.cut+len(r.sent)) }

// Release lets go of what a session held that was given up: its user may keep it for a while.
func (r *Session) Release() {
	r.Detached, r.sent, r.Subscriptions, r.Checkpoints = outbox.Detached{}, nil, nil, nil
}

// Checkpoint returns where a topic stood; known is false if it did not say.
func (r *Session) Checkpoint(topic string) (at protocol.Position, known bool) {
	for _, m := range r.Checkpoints {
		if m.Topic == topic {
			return m.At, m.At != protocol.Position{}
		}
	}
	return at, false
}

// Sent returns the events to the user meanwhile.
func (r *Session) Sent() []*outbox.Frame { return r.sent }
