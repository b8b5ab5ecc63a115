package protocol

// Position is where a reader stands in a topic: everything up to Offset was seen. Offsets begin at 1 and have no gaps
// within an epoch; a new epoch means that the topic forgot, so that positions of the old one are worth nothing.
type Position struct {
	Epoch  string
	Offset uint64
}

// Until is how many events lie between two positions of a topic; between different epochs it counts one, and from the
// zero position none.
func (p Position) Until(now Position) int {
	switch {
	case p == Position{}:
		return 0
	case p.Epoch != now.Epoch:
		return 1
	}
	return int(now.Offset - p.Offset)
}
