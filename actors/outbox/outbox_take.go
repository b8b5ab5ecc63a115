package outbox

// Take appends waiting frames to into: at most max bytes of them by Frame.Size, but at least one if any waits. If it
// appends none, the outbox is empty and the next offer will wake the transport. One goroutine at a time calls Take and
// Ack.
func (o *Outbox) Take(into []*Frame, max int) []*Frame {
	had := len(into)
	o.mu.Lock()
	if !o.held && !o.waiting.empty() {
		o.stopBatching()
		into = o.waiting.take(into, max)
		if o.inFlight != nil {
			o.inFlight.add(into[had:])
		}
	}
	o.awake = len(into) > had // also if nobody woke it: Ack tells it of what is left
	o.mu.Unlock()
	if taken := o.shared.Taken.Load(); taken != nil && len(into) > had {
		(*taken)(o.number, into[had:])
	}
	return into
}

// Ack says that these frames, the oldest that Take gave, have left for the kernel. now is in nanoseconds of the Unix
// clock: a writer of many sockets asks for the time once for many. If more is false nothing waits, and the next offer
// will wake the transport, as if Take had found nothing. freed are bytes that the caller has to take out of the
// backpressure (Backpressure.Add), at once for many outboxes that have one Backpressure, since each time may wake
// publishers.
func (o *Outbox) Ack(frames []*Frame, now int64) (freed int, more bool) {
	bytes, data := 0, 0
	for _, f := range frames {
		bytes += f.Size()
		data += f.Bytes()
		if f.Born != 0 {
			o.shared.Latency.Observe(uint64(o.shard), f.Born, now)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sentFrames += uint64(len(frames))
	o.sentBytes += uint64(data)
	if o.inFlight != nil {
		o.inFlight.acked(len(frames))
	}
	if o.closed {
		return 0, false
	}
	o.waiting.acked(len(frames), bytes)
	more = !o.held && !o.waiting.empty()
	o.awake = more
	if !o.counted {
		bytes = 0
	}
	return bytes, more
}

// Detached is what Detach found in an outbox.
type Detached struct {
	Events  []*Frame // the events that were not written, oldest first
	Unacked int      // so many of them, from the first, are in flight: the transport may be writing them
	Dropped int      // the other frames that waited: answers to a client that is not there any more
	outbox  *Outbox
}

// Detach closes a resumable outbox and returns what waited in it.
func (o *Outbox) Detach() Detached {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return Detached{outbox: o}
	}
	o.stopBatching()
	d := Detached{Events: o.inFlight.detach(), outbox: o}
	d.Unacked = len(d.Events)
	for f := o.waiting.pop(); f != nil; f = o.waiting.pop() {
		if f.IsEvent() {
			d.Events = append(d.Events, f)
		} else {
			d.Dropped++
		}
	}
	if o.counted {
		o.backpressure.Add(-o.waiting.bytes)
	}
	o.closed, o.waiting.weight = true, weight{}
	return d
}

// AwaitFlush blocks until what was in flight is written, for at most 100 ms. It reports false if the peer does not take
// it.
func (d *Detached) AwaitFlush() bool { return d.outbox.inFlight.await() }

// LateAcks returns how many of the frames that were in flight were written after all.
func (d *Detached) LateAcks() int {
	d.outbox.mu.Lock()
	defer d.outbox.mu.Unlock()
	return min(d.outbox.inFlight.late, d.Unacked)
}
