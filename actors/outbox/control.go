package outbox

// aside is what is said to one client alone: an answer, a heartbeat, a ping. It does not wait behind events.
type controlFrame struct {
	Frame
	next *controlFrame
}

// asides are those that wait, ahead of the events. An answer for which there is no room waits behind the events, and so do
// those that follow it: answers keep their order.
type controlQueue struct {
	first  *controlFrame // the oldest
	behind int32         // how many wait behind events
}

// What may wait ahead of the events.
const (
	controlFrames = 32
	controlBytes  = 32 << 10
)

// push queues a behind the others, if there is room for it.
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

// pop takes the oldest out; there must be one.
func (q *controlQueue) pop() {
	f := q.first
	q.first, f.next = f.next, nil
}

// say queues what is said to this client alone, ahead of all events; behind says that the client must hear what waits
// before it. It returns what offer returns.
func (o *Outbox) SendControl(op Op, data []byte, behind bool) int {
	f := &controlFrame{Frame: Frame{Op: op, Data: data}}
	size := f.Size()
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return RefusedClosed
	}
	if !o.waiting.sendControl(f, behind, !o.full(size)) {
		o.mu.Unlock()
		return RefusedFull
	}
	return o.unlockAndWake(size)
}

// hold keeps what comes from now on from the wire, until let go: what is said meanwhile to this client alone gets ahead
// of the events.
func (o *Outbox) Hold() {
	o.mu.Lock()
	o.held = true
	o.mu.Unlock()
}

// letGo ends hold, and wakes the wire for what came meanwhile.
func (o *Outbox) Release() {
	o.mu.Lock()
	wake := o.held && !o.awake && !o.waiting.empty()
	o.held, o.awake = false, o.awake || wake
	o.mu.Unlock()
	if wake {
		o.transport.Wake()
	}
}

// Reply queues a ping or pong of the wire itself; it goes through the same door as all else, so that nothing interleaves.
// It reports false if the outbox is full or closed.
func (o *Outbox) Reply(op Op, data []byte) bool { return o.Charge(o.SendControl(op, data, false)) }
