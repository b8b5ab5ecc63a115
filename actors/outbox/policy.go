package outbox

// Policy says what may become of a frame that waits for a slow reader.
type Policy uint8

const (
	Keep          Policy = iota // it arrives, or the connection ends
	DropOldest                  // it may be dropped for newer frames of its topic
	Conflate                    // like DropOldest, and a newer frame of its topic and key may replace it
	controlBehind               // no event but a control frame that waits behind events
	placeholder                 // no frame: it stands in the fifo for one in a topicQueue
)
