package resume

import (
	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Lingering is for dialects that have no words to resume: a connection that breaks without a goodbye leaves a record,
// and the next connection of the same client gets its subscriptions back and what it missed, in order and once, before
// anything new. It is off unless Config.Linger says for how long.
//
// Whom it is for:
//
//   - A connection whose socket broke, or that was silent for too long. One that the client closed, or that was
//     disconnected, revoked, suspended, drained, expired or too slow, leaves nothing.
//   - A connection of a user, by a credential that proves who it is. Anonymous and unproven ones leave nothing.
//
// Who is the same client: a connection of the same tenant, user and dialect that came with the same key (Dial.Client).
// A key is the client's own word that it is the same one, so a connection that is still there, as those are whose peer
// has vanished, is closed for it. Without a key nothing says which of a user's connections has come back; then it is
// taken for the same one only if exactly one lingers and none else of that dialect is there. Where that is in doubt, the
// records without a key are given up: to give one client the subscriptions of another would be worse than to give none,
// and so would be to play twice what another connection has heard meanwhile. Rights are not inherited: each subscription
// is checked against the new identity.
//
// What a record holds: the events that were not written to the socket, as frames; the subscriptions, with their filters
// and the very topics that they are attached to; where each of those topics stood when the connection left it, since
// everything later comes from the topic's history; and what is sent to the user meanwhile, which has no history.
//
// What is not kept, and counted as missed (Figures.Missed, ConnectionInfo.Missed): what the history has forgotten, or a
// new epoch; what is sent to all meanwhile; what a full record, ledger or outbox has no room for; and what waited for a
// client that has lost a right since, for a frame does not say which of its topics it is of. What the kernel had taken
// and the client never read is neither kept nor counted, since nobody here knows of it; a client that must not lose that
// either resumes by its own position.

// record is what a connection leaves. Who has taken it from the ledger owns it.
type Session struct {
	// Static.
	Tenant     string
	Dialect    protocol.Dialect
	Client     string
	Identity   *protocol.Identity
	Number     uint64 // of the connection
	Until      int64  // as wheel.since tells it
	Projection *protocol.Projection
	Lent       bool // the connection heard something by another right than its own

	// frames are the events that were not written; the first flying ones are what outbox may have written meanwhile.
	Frames        []*outbox.Frame
	InFlight      int
	Outbox        *outbox.Outbox // that they waited in
	Subscriptions fanout.Subscriptions
	Checkpoints   []Checkpoint
	Broadcast     protocol.Position
	cut           int // how many of the oldest frames there was no room for
	size          int // bytes, about

	// unheard are the events to the user meanwhile that there was no room for; the user's actor counts while it has the
	// record.
	Missed int

	// Of who holds the ledger's lock, while it holds the record.
	sent []*outbox.Frame // events to the user meanwhile
	held bool
}

// mark is where a topic stood; the zero position is unknown.
type Checkpoint struct {
	Topic string
	At    protocol.Position
}

// Bounds of a record, in bytes, and what its parts count as.
const (
	MaxSession       = 256 << 10
	sessionSize      = 512
	subscriptionSize = 192
	checkpointSize   = 64
)

// weigh finds the record's size, and forgets the oldest frames if it is too large.
func (r *Session) Bound() {
	r.size = sessionSize + len(r.Client) + subscriptionSize*len(r.Subscriptions) + checkpointSize*len(r.Checkpoints)
	for _, m := range r.Checkpoints {
		r.size += len(m.Topic)
	}
	from := len(r.Frames)
	for from > 0 && r.size+r.Frames[from-1].Size() <= MaxSession {
		from--
		r.size += r.Frames[from].Size()
	}
	r.cut, r.Frames = from, r.Frames[from:]
}

// unwritten are the events that were not written, and how many of those there was no room for.
func (r *Session) Unwritten() (events []*outbox.Frame, cut int) {
	r.Outbox.AwaitFlush() // its client may be back before the writer has noted what it wrote
	written := min(r.Outbox.LateAcks(), r.InFlight)
	for i, f := range r.Frames {
		if r.cut+i >= written && f.IsEvent() {
			events = append(events, f)
		}
	}
	return events, max(0, r.cut-written)
}

// worth is how many events are missed if the record is given up, as far as it knows; one at least.
func (r *Session) Events() int { return max(1, len(r.Frames)+r.cut+len(r.sent)) }

// empty lets go of what a record held that was given up: its user may keep it for a while.
func (r *Session) Release() {
	r.Frames, r.sent, r.Outbox, r.Subscriptions, r.Checkpoints = nil, nil, nil, nil, nil
}

// at is where a topic stood. unknown says that it did not say.
func (r *Session) Checkpoint(topic string) (at protocol.Position, known bool) {
	for _, m := range r.Checkpoints {
		if m.Topic == topic {
			return m.At, m.At != protocol.Position{}
		}
	}
	return at, false
}

// Sent are the events to the user meanwhile.
func (r *Session) Sent() []*outbox.Frame { return r.sent }
