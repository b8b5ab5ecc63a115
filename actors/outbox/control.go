package outbox

// controlFrame is a frame for this client alone: an answer, a heartbeat, a ping. It does not wait behind events.
type controlFrame struct {
	Frame
	next *controlFrame
}

// controlQueue holds the control frames that wait ahead of the events. A control frame that does not fit waits behind
// the events instead, and so do those that follow it, so that answers keep their order.
type controlQueue struct {
	first  *controlFrame // the oldest
	behind int32         // how many control frames wait behind events
}

// The bounds of a controlQueue.
const (
	controlFrames = 32
	controlBytes  = 32 << 10
)

// push queues f behind the others, and reports false if there is no room for it.
func (q *controlQueue) push(f *controlFrame) bool {
	if q.behind > 0 {
		return false
	}
	at, frames, bytes := &q.first, 0, f.Size()
	for ; *at != nil; at = &(*at).next {
		bytes += (*at).Size()
		frames++
	}
	if frames >= controlFrames || bytes > controlBytes {
		return false
	}
	*at = f
	return true
}

// pop takes out the oldest; there must be one.
func (q *controlQueue) pop() {
	f := q.first
	q.first, f.next = f.next, nil
}
