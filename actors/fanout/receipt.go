package fanout

import (
	"github.com/parley-realtime/parley/protocol"
)

// Receipt is the answer to a publish.
type Receipt struct {
	// ID is the event's id, made here if the publisher gave none.
	ID string
	// Topic and Position are set for an event that went to a topic.
	Topic    string
	Position protocol.Position
	// Duplicate says that the id was seen before in the dedup window; the rest is the first publish's answer.
	Duplicate bool
	// Delivered is how many connections got it into their outbox.
	Delivered int
}
