package fanout

import (
	"crypto/rand"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// Target says whom an event is for: a topic, some users, or all connections of the tenant. Exactly one is set.
type Target struct {
	Topic string
	Users []string
	All   bool
	// Exclude is the id of a connection ("ws-7") that does not get the event; "" for none.
	Exclude string
}

// Check says why an event cannot be for the target; nil admits.
func (to *Target) Check(asked *decision.Record) *protocol.Refusal {
	switch {
	case !asked.Step(decision.Target, to.isOne()):
		return protocol.Refuse(protocol.Malformed, "an event is for exactly one of a topic, users, or all")
	case to.Topic == "":
		return nil
	case !asked.Text(decision.TopicReserved, to.Topic, !protocol.Reserved(to.Topic)):
		return protocol.Refuse(protocol.Forbidden,
			"the topic %s is the server's own; publish to another", protocol.Quote(to.Topic))
	}
	return CheckTopic(to.Topic, asked)
}

// isOne reports whether the target is exactly one of a topic, users, or all.
func (to *Target) isOne() bool {
	switch {
	case to.Topic != "":
		return to.Users == nil && !to.All
	case to.Users != nil:
		return !to.All
	}
	return to.All
}

// Delivery makes the delivery of an event, and returns the event's id. An event without an id gets one that no dedup
// window has to remember. exclude is the number of the connection that does not get it, 0 for none.
func (to *Target) Delivery(ev *protocol.Event, exclude uint64, now time.Time) (*Delivery, string) {
	stamped := *ev
	if stamped.Time == (time.Time{}) {
		stamped.Time = now
	}
	stamped.Topic = to.Topic
	id, made := stamped.ID, false
	if id == "" {
		id, made = rand.Text(), true
	}
	stamped.ID = id
	p := NewDelivery(&stamped, made)
	p.Exclude, p.Born = exclude, now.UnixNano()
	return p, id
}

// CheckTopic says why a name cannot be a topic.
func CheckTopic(name string, asked *decision.Record) *protocol.Refusal {
	err := protocol.AsRefusal(protocol.CheckTopic(name))
	asked.Text(decision.TopicName, name, err == nil)
	return err
}
