package protocol

// Delivery is an event for those who get the same bytes of it: connections of one dialect whose filters leave the same.
type Delivery struct {
	Event *Event
	// View is what their filters leave of the event.
	View Projection
	// Label is that of their subscription (Filter.Label), "" for none.
	Label string
	// Topic is the topic that delivers the event: the event's own or one above it. Position is where the event stands
	// in that topic. Both are set for filters with WithPosition alone, so that all others share their bytes whichever
	// topic delivers.
	Topic    string
	Position Position
}

// Encoded is an event in the words of a dialect. The zero Encoded says that the dialect has no words for it.
type Encoded struct {
	Data []byte
	// Binary says that Data is a binary frame; else it is a text frame.
	Binary bool
	// Next is a frame that follows with nothing in between, such as an attachment; nil for none. Both count as one
	// message, and are delivered or dropped together.
	Next *Encoded
}
