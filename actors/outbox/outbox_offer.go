package outbox

// Why a frame was refused.
const (
	RefusedFull   = -1 // there is no room for it
	RefusedClosed = -2 // the outbox is closed
	RefusedStale  = -3 // it gave way to other frames of its topic, and was counted as lost
)

// Offer queues an event, and wakes the transport if it sleeps, or has it wake later. It returns how many bytes the
// caller has to add to the backpressure (Charge), or why the frame was refused.
func (o *Outbox) Offer(f *Frame, when When) int {
	size := f.Size()
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return RefusedClosed
	}
	if o.waiting.frames > 0 {
		if f.policy != Keep && (o.waiting.lossy != nil || o.waiting.overShare(f.policy, size, o.shared.Limits)) {
			return o.offerLossy(f, when)
		}
		if o.waiting.full(size, o.shared.Limits) {
			o.mu.Unlock()
			return RefusedFull
		}
	}
	o.waiting.push(f, size)
	return o.unlock(size, when)
}

// offerLossy is Offer where older frames may make room. The caller holds the lock, which offerLossy releases.
func (o *Outbox) offerLossy(f *Frame, when When) int {
	before := o.waiting.weight
	taken := o.waiting.makeRoom(f, o.shared.Limits)
	o.backpressure.countLost(before.frames + 1 - o.waiting.frames)
	grown := o.waiting.bytes - before.bytes
	if grown < 0 {
		o.shrunk(-grown)
		grown = 0
	}
	if !taken {
		o.mu.Unlock()
		return RefusedStale
	}
	return o.unlock(grown, when)
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
	if !o.waiting.sendControl(f, behind, o.waiting.frames == 0 || !o.waiting.full(size, o.shared.Limits)) {
		o.mu.Unlock()
		return RefusedFull
	}
	return o.unlock(size, AtOnce)
}

// Prepend queues events ahead of those that came since Hold, since they are older. It ignores the limits (see
// Overflow), and returns what Offer returns.
func (o *Outbox) Prepend(frames []*Frame) int {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return RefusedClosed
	}
	return o.unlock(o.waiting.prepend(frames), AtOnce)
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
	if wake {
		o.stopGathering()
	}
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
	o.backpressure.countLost(dropped)
	o.shrunk(before.bytes - o.waiting.bytes)
	o.mu.Unlock()
	return dropped
}
