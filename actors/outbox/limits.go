package outbox

// Limits bound what may wait for one socket, including what was taken and is not yet written.
type Limits struct {
	Bytes  int // by Frame.Size
	Frames int
}

// exceeded reports whether so many frames of so many bytes are too much.
func (l Limits) exceeded(frames, bytes int) bool {
	return bytes > l.Bytes || frames > l.Frames
}

// share returns the part of the limits above which frames with a lossy policy make room for each other: a quarter for
// Conflate, which can be replaced without losing what is newest, three quarters for DropOldest. The rest is for topics
// whose slow readers would be disconnected.
func (l Limits) share(policy Policy) Limits {
	if policy == Conflate {
		return Limits{l.Bytes / 4, l.Frames / 4}
	}
	return Limits{l.Bytes - l.Bytes/4, l.Frames - l.Frames/4}
}
