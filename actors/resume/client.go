package resume

import (
	"sync/atomic"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Counter counts what clients missed while they were away, by reason. It does not block.
type Counter interface {
	Missed(reason protocol.Reason, events int)
}

// Client is what a connection needs to leave a session, and what it got from one. It is nil where no client may resume.
type Client struct {
	key     string   // static
	pending *Session // what is to be restored; the actor's

	Restored, Replayed, Missed atomic.Uint64
	// Broadcast is where the topic of all connections stood when the connection joined; the actor's.
	Broadcast protocol.Position
	// After are events to the user after the end of the connection and before its session came, TooLate how many more
	// there were; the user's.
	After   []*outbox.Frame
	TooLate int
}

// NewClient is the state of a connection whose client calls itself key; "" if it does not.
func NewClient(key string) *Client { return &Client{key: key} }

// Resume notes the session that is to be restored, nil for none.
func (g *Client) Resume(session *Session) { g.pending = session }

// Key returns that of the connection's client, "" for none.
func (g *Client) Key() string {
	if g == nil {
		return ""
	}
	return g.key
}

// Take takes the session that is to be restored, nil for none.
func (g *Client) Take() (rec *Session) {
	if g != nil {
		rec, g.pending = g.pending, nil
	}
	return rec
}

// GiveUp counts what is never restored, since the connection ends before.
func (g *Client) GiveUp(n Counter) {
	if rec := g.Take(); rec != nil {
		g.AddMissed(n, protocol.Disconnected, rec.Events())
	}
}

// AddMissed counts events that the client missed and that cannot be replayed.
func (g *Client) AddMissed(n Counter, reason protocol.Reason, events int) {
	if events > 0 {
		g.Missed.Add(uint64(events))
		n.Missed(reason, events)
	}
}

// MaxAfter bounds the events that come to the user between the end of a connection and its session.
const MaxAfter = 256

// Late notes an event to the user for a connection whose end the user has not been told yet.
func (g *Client) Late(f *outbox.Frame) {
	switch {
	case g == nil || f == nil:
	case len(g.After) < MaxAfter:
		g.After = append(g.After, f)
	default:
		g.TooLate++
	}
}
