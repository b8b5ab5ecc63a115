package actors

// aside is what is said to one client alone: an answer, a heartbeat, a ping. It does not wait behind events.
type aside struct {
	Frame
	next *aside
}

// asides are those that wait, ahead of the events. An answer for which there is no room waits behind the events, and so do
// those that follow it: answers keep their order.
type asides struct {
	first  *aside // the oldest
	behind int32  // how many wait behind events
}

// What may wait ahead of the events.
const (
	asideFrames = 32
	asideBytes  = 32 << 10
)

// push queues a behind the others, if there is room for it.
func (s *asides) push(a *aside) bool {
	if s.behind > 0 {
		return false
	}
	at, frames, bytes := &s.first, 0, a.size()
	for ; *at != nil; at = &(*at).next {
		bytes += (*at).size()
		frames++
	}
	if frames >= asideFrames || bytes > asideBytes {
		return false
	}
	*at = a
	return true
}

// pop takes the oldest out; there must be one.
func (s *asides) pop() {
	a := s.first
	s.first, a.next = a.next, nil
}

// say queues what is said to this client alone, ahead of all events; behind says that the client must hear what waits
// before it. It returns what offer returns.
func (o *Outbox) say(op Op, data []byte, behind bool) int {
	a := &aside{Frame: Frame{Op: op, Data: data}}
	size := a.size()
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return refusedClosed
	}
	if !o.waiting.say(a, behind, !o.full(size)) {
		o.mu.Unlock()
		return refusedFull
	}
	return o.queued(size)
}

// hold keeps what comes from now on from the wire, until let go: what is said meanwhile to this client alone gets ahead
// of the events.
func (o *Outbox) hold() {
	o.mu.Lock()
	o.held = true
	o.mu.Unlock()
}

// letGo ends hold, and wakes the wire for what came meanwhile.
func (o *Outbox) letGo() {
	o.mu.Lock()
	wake := o.held && !o.awake && !o.waiting.empty()
	o.held, o.awake = false, o.awake || wake
	o.mu.Unlock()
	if wake {
		o.wire.Wake()
	}
}

// Reply queues a ping or pong of the wire itself; it goes through the same door as all else, so that nothing interleaves.
// It reports false if the outbox is full or closed.
func (o *Outbox) Reply(op Op, data []byte) bool { return o.count(o.say(op, data, false)) }

// say queues what is said to this connection alone; see Outbox.say.
func (l *Link) say(op Op, data []byte, behind bool) bool {
	n := l.outbox.say(op, data, behind)
	if n == refusedFull {
		l.tooSlow()
	}
	return l.outbox.count(n)
}
