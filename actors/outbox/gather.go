package outbox

// When says when an event that finds the transport asleep wakes it. An event that finds it awake goes with the others.
type When uint8

const (
	AtOnce   When = iota // now
	Delayed              // after Shared.Delay
	Gathered             // when the caller calls Flush
)

// gatherBytes bounds what waits in one outbox for more: an outbox with more wakes its transport. It is at most a
// quarter of the outbox's limit, so that no reader is slow since its events were made to wait.
const gatherBytes = 32 << 10

// An outbox gathers from an event that finds it empty and its transport asleep, until anything wakes the transport:
// Flush, the Delay, a control frame, an event that does not wait, or too many bytes. All that waits meanwhile are
// events, none of which was taken, and their bytes are not in the backpressure: publishers do not wait for events that
// wait on purpose. What all outboxes gather is bounded by Backpressure.MayGather.

// unlock ends an offer of a caller that holds the lock: it releases the lock, and wakes the transport if it sleeps and
// the frame, of so many bytes, cannot wait for more. It returns how many bytes the caller has to add to the
// backpressure.
func (o *Outbox) unlock(size int, when When) int {
	wake, delay := !o.awake && !o.held, false
	if wake && when != AtOnce && o.waiting.mayGather(o.gathering, o.shared) && o.backpressure.MayGather() {
		o.gathering, o.counted, wake = true, false, false
	}
	o.awake = o.awake || wake
	if o.gathering {
		o.backpressure.gather(size)
		size = 0
		delay = when == Delayed && !wake && !o.delayed
		o.delayed = o.delayed || delay
		if wake {
			o.stopGathering()
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

// stopGathering counts what waits in the backpressure from now on. The caller holds the lock.
func (o *Outbox) stopGathering() {
	if !o.gathering {
		return
	}
	o.gathering, o.counted = false, !o.parked
	o.backpressure.gather(-o.waiting.bytes)
	if o.counted {
		o.backpressure.Add(o.waiting.bytes)
	}
}

// shrunk takes bytes that do not wait any more off the account that they are in. The caller holds the lock.
func (o *Outbox) shrunk(bytes int) {
	switch {
	case o.gathering:
		o.backpressure.gather(-bytes)
	case o.counted:
		o.backpressure.Add(-bytes)
	}
}

// Flush wakes the transport if events wait for it that were gathered.
func (o *Outbox) Flush() {
	o.mu.Lock()
	if !o.gathering || o.held {
		o.mu.Unlock()
		return
	}
	o.stopGathering()
	o.awake = true
	o.mu.Unlock()
	o.transport.Wake()
}
