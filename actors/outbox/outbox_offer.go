package outbox

// Why a frame was refused.
const (
	RefusedFull   = -1 // there is no room for it
	RefusedClosed = -2 // the outbox is closed
	RefusedStale  = -3 // it gave way to other frames of its topic, and was counted as lost
)

// When says when an event that finds the transport asleep wakes it. An event that finds it awake goes with the others.
type When uint8

const (
	AtOnce   When = iota // now
	Delayed              // after Shared.Delay
	Batched              // when the caller calls Flush
	Injected             // as Shared.Inject has it, since faults are injected
)

// batchBytes bounds what waits in one outbox for more: an outbox with more wakes its transport. So does one with more
// bytes or frames than a quarter of its limits (Limits.share), so that no reader is slow since its events were made to
// wait.
const batchBytes = 32 << 10

// An outbox batches from an event that finds it empty and its transport asleep, until anything wakes the transport:
// Flush, the Delay, a control frame, an event that does not wait, or too many bytes. All that waits meanwhile are
// events, none of which was taken, and their bytes are not in the backpressure: publishers do not wait for events that
// wait on purpose. Backpressure.MayBatch bounds how much all outboxes batch.

// Offer queues an event, and wakes the transport if it sleeps, or has it wake later. It returns how many bytes the
// caller has to add to the backpressure (Charge), or why the frame was refused.
func (o *Outbox) Offer(f *Frame, when When) int {
	if when == Injected {
		return o.shared.Inject(o, f)
	}
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

// Room says whether an outbox would take an offer of a frame now: 0, or why it would refuse it. sheds says that older
// frames may have to give way.
func Room(o *Outbox, f *Frame) (refused int, sheds bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	size := f.Size()
	switch {
	case o.closed:
		return RefusedClosed, false
	case o.waiting.frames == 0:
		return 0, false
	case f.policy != Keep && (o.waiting.lossy != nil || o.waiting.overShare(f.policy, size, o.shared.Limits)):
		return 0, true
	case o.waiting.full(size, o.shared.Limits):
		return RefusedFull, false
	}
	return 0, false
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
		o.stopBatching()
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

// unlock ends an offer of a caller that holds the lock: it releases the lock, and wakes the transport if it sleeps and
// the frame, of so many bytes, cannot wait for more. It returns how many bytes the caller has to add to the
// backpressure.
func (o *Outbox) unlock(size int, when When) int {
	wake, delay := !o.awake && !o.held, false
	if wake && when != AtOnce && o.waiting.mayBatch(o.batching, o.shared) && o.backpressure.MayBatch() {
		o.batching, o.counted, wake = true, false, false
	}
	o.awake = o.awake || wake
	if o.batching {
		o.backpressure.batch(size)
		size = 0
		delay = when == Delayed && !wake && !o.delayed
		o.delayed = o.delayed || delay
		if wake {
			o.stopBatching()
		}
	}
	counted := o.counted
	o.mu.Unlock()
	switch {
	case wake:
		o.transport.Wake()
	case delay:
		o.shared.Delay.add(o)
	}
	if !counted {
		return 0
	}
	return size
}

// stopBatching counts what waits in the backpressure from now on. The caller holds the lock.
func (o *Outbox) stopBatching() {
	if !o.batching {
		return
	}
	o.batching, o.counted = false, !o.parked
	o.backpressure.batch(-o.waiting.bytes)
	if o.counted {
		o.backpressure.Add(o.waiting.bytes)
	}
}

// shrunk takes bytes that do not wait any more off the account that they are in. The caller holds the lock.
func (o *Outbox) shrunk(bytes int) {
	switch {
	case o.batching:
		o.backpressure.batch(-bytes)
	case o.counted:
		o.backpressure.Add(-bytes)
	}
}

// Flush wakes the transport if events wait for it that were batched.
func (o *Outbox) Flush() { flush(o, false) }

// flush is Outbox.Flush; due says that the Delay calls it, which has the outbox in its queue no more.
func flush(o *Outbox, due bool) {
	o.mu.Lock()
	if due {
		o.delayed = false
	}
	wake := o.batching && !o.held
	if wake {
		o.stopBatching()
		o.awake = true
	}
	o.mu.Unlock()
	if wake {
		o.transport.Wake()
	}
}
