package protocol

// Position is where a reader stands in a topic: everything up to Offset was seen. Offsets begin at 1 and have no gaps
// within an epoch; a new epoch means that the topic forgot, so that positions of the old one are worth nothing.
type Position struct {
	Epoch  string
	Offset uint64
}
