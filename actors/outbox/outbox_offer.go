package outbox

// Why a frame was refused.
const (
	RefusedFull   = -1 // there is no room for it
	RefusedClosed = -2 // the outbox is closed
	RefusedStale  = -3 // it gave way to other frames of its topic, and was counted as lost
)

// Offer queues a frame, and wakes the transport if it sleeps. It returns how many bytes the caller has to add to the
// backpressure (Charge), or why the frame was refused.
func (o *Outbox) Offer(f *Frame) int {
	size := f.Size()
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return RefusedClosed
	}
	if f.policy != Keep && (o.waiting.lossy != nil || o.waiting.overShare(f.policy, size, o.shared.Limits)) {
		return o.offerLossy(f)
	}
	if o.waiting.full(size, o.shared.Limits) {
		o.mu.Unlock()
		return RefusedFull
	}
	o.waiting.push(f, size)
	return o.unlockAndWake(size)
}

// offerLossy is Offer where older frames may make room. The caller holds the lock, which offerLossy releases.
func (o *Outbox) offerLossy(f *Frame) int {
	before := o.waiting.weight
	taken := o.waiting.makeRoom(f, o.shared.Limits)
	grown, counted, n := o.waiting.bytes-before.bytes, o.counted, RefusedStale
	o.backpressure.countLost(before.frames + 1 - o.waiting.frames)
	if taken {
		n = o.unlockAndWake(max(grown, 0))
	} else {
		o.mu.Unlock()
	}
	if counted && grown < 0 {
		o.backpressure.Add(grown)
	}
	return n
}

// SendControl queues a frame for this client alone, ahead of all events; behind says that the client must get what
// waits first. It returns what Offer returns.
func (o *Outbox) SendControl(op Op, data []byte, behind bool) int {
	f := &controlFrame{Frame: Frame{Op: op, Data: data}}
	size := f.Size()
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return RefusedClosed
	}
	if !o.waiting.sendControl(f, behind, !o.waiting.full(size, o.shared.Limits)) {
		o.mu.Unlock()
		return RefusedFull
	}
	return o.unlockAndWake(size)
}

// Reply queues a ping or pong of the transport itself, so that it does not interleave with other frames, and charges
// it. It reports false if the outbox is full or closed.
func (o *Outbox) Reply(op Op, data []byte) bool { return o.Charge(o.SendControl(op, data, false)) }

// Prepend queues events ahead of those that came since Hold, since they are older. It ignores the limits (see
// Overflow), and returns what Offer returns.
func (o *Outbox) Prepend(frames []*Frame) int {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return RefusedClosed
	}
	return o.unlockAndWake(o.waiting.prepend(frames))
}

// Overflow returns how many of these frames, from the oldest, have to be left out for the rest to fit in.
func (o *Outbox) Overflow(frames []*Frame) (left int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.waiting.overflow(frames, o.shared.Limits)
}

// Charge adds what Offer, SendControl or Prepend returned to the backpressure, and reports whether the frame was taken.
func (o *Outbox) Charge(n int) bool {
	if n > 0 {
		o.backpressure.Add(n)
	}
	return n >= 0
}

// Hold keeps all that waits from the transport until Release, so that an answer that is sent meanwhile gets ahead of
// the events.
func (o *Outbox) Hold() {
	o.mu.Lock()
	o.held = true
	o.mu.Unlock()
}

// Release ends Hold, and wakes the transport for what came meanwhile.
func (o *Outbox) Release() {
	o.mu.Lock()
	wake := o.held && !o.awake && !o.waiting.empty()
	o.held, o.awake = false, o.awake || wake
	o.mu.Unlock()
	if wake {
		o.transport.Wake()
	}
}

// Shed drops, of each topic whose policy is DropOldest, all frames that wait but the newest, and of each topic whose
// policy is Conflate all but the newest of each key. It returns how many it dropped.
func (o *Outbox) Shed() (dropped int) {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return 0
	}
	before := o.waiting.weight
	o.waiting.shed()
	dropped = before.frames - o.waiting.frames
	freed, counted := before.bytes-o.waiting.bytes, o.counted
	o.backpressure.countLost(dropped)
	o.mu.Unlock()
	if counted {
		o.backpressure.Add(-freed)
	}
	return dropped
}

// unlockAndWake ends an offer of a caller that holds the lock: it releases the lock, wakes the transport if it sleeps,
// and returns how many of size bytes the caller has to add to the backpressure.
func (o *Outbox) unlockAndWake(size int) int {
	wake := !o.awake && !o.held
	o.awake = o.awake || wake
	counted := o.counted
	o.mu.Unlock()
	if wake {
		o.transport.Wake()
	}
	if !counted {
		return 0
	}
	return size
}
