package actors

// aside is what is said to one client alone: an answer, a heartbeat, a ping. It does not wait behind events.
type aside struct {
	Frame
	next *aside
}

// What may wait ahead of the events. An answer for which there is no room waits behind them, and so do those that follow
// it: answers keep their order.
const (
	asideFrames = 32
	asideBytes  = 32 << 10
)

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
	if o.said == 0 && (!behind || o.line.empty()) && o.ahead(a, size) {
		return o.queued(size)
	}
	if o.full(size) {
		o.mu.Unlock()
		return refusedFull
	}
	a.fate = answered
	o.said++
	o.line.push(&a.Frame)
	return o.queued(size)
}

// ahead queues a ahead of the events if there is room for it. The caller holds the lock.
func (o *Outbox) ahead(a *aside, size int) bool {
	at, frames := &o.asides, 0
	for ; *at != nil; at = &(*at).next {
		size += (*at).size()
		frames++
	}
	if frames >= asideFrames || size > asideBytes {
		return false
	}
	*at = a
	return true
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
	wake := o.held && !o.awake && (!o.line.empty() || o.asides != nil)
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
