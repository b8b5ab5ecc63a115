package outbox

import "time"

// Take appends waiting frames to into: at most max bytes of them by Frame.Size, but at least one if any waits. If it
// appends none, the outbox is empty and the next offer will wake the transport. One goroutine at a time calls Take and
// Ack.
func (o *Outbox) Take(into []*Frame, max int) []*Frame {
	had := len(into)
	o.mu.Lock()
	if !o.held && !o.waiting.empty() {
		into = o.waiting.take(into, max)
		if o.inFlight != nil {
			o.inFlight.add(into[had:])
		}
	}
	if len(into) == had {
		o.awake = false
	}
	o.mu.Unlock()
	return into
}

// Ack says that these frames, the oldest that Take gave, have left for the kernel.
func (o *Outbox) Ack(frames []*Frame) {
	freed, _ := o.ack(frames, time.Now().UnixNano(), true)
	o.ReleaseCredit(freed)
}

// AckAt is Ack for a writer of many sockets, which asks for the time and releases credit once for many. now is in
// nanoseconds of the Unix clock. If more is false nothing waits, and the next offer will wake the transport, as if Take
// had found nothing. freed are bytes that the writer has to give to ReleaseCredit.
func (o *Outbox) AckAt(frames []*Frame, now int64) (freed int, more bool) {
	return o.ack(frames, now, false)
}

// ReleaseCredit takes bytes that AckAt freed out of the backpressure; a writer may do so at once for many outboxes that
// have one Backpressure, since each release may wake publishers.
func (o *Outbox) ReleaseCredit(freed int) {
	if freed > 0 {
		o.backpressure.Add(-freed)
	}
}

// ack observes the latency of the frames and counts them as written. awake is whether the transport will call Take
// again.
func (o *Outbox) ack(frames []*Frame, now int64, awake bool) (freed int, more bool) {
	bytes, data := 0, 0
	for _, f := range frames {
		bytes += f.Size()
		data += len(f.Data)
		if f.Born != 0 {
			o.shared.Latency.Observe(uint64(o.shard), f.Born, now)
		}
	}
	o.mu.Lock()
	freed, more = o.acked(len(frames), bytes, data, awake)
	o.mu.Unlock()
	return freed, more
}

// acked counts frames as written: bytes is their Size in all, data their Data alone. The caller holds the lock.
func (o *Outbox) acked(frames, bytes, data int, awake bool) (freed int, more bool) {
	o.sentFrames += uint64(frames)
	o.sentBytes += uint64(data)
	if o.closed {
		if o.inFlight != nil {
			o.inFlight.ackedLate(frames)
		}
		return 0, false
	}
	o.waiting.acked(frames, bytes)
	if o.inFlight != nil {
		o.inFlight.acked(frames)
	}
	more = !o.held && !o.waiting.empty()
	o.awake = more || awake
	if !o.counted {
		bytes = 0
	}
	return bytes, more
}

// Detach closes the outbox and returns the events that were not written, oldest first; the outbox must track what is in
// flight. The first unacked events are in flight: the transport may be writing them at this moment, and LateAcks tells
// later how many were written. dropped counts the other frames that waited: answers to a client that is not there any
// more.
func (o *Outbox) Detach() (events []*Frame, unacked, dropped int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, 0, 0
	}
	events = o.inFlight.detach()
	unacked = len(events)
	for f := o.waiting.pop(); f != nil; f = o.waiting.pop() {
		if f.IsEvent() {
			events = append(events, f)
		} else {
			dropped++
		}
	}
	if o.counted {
		o.backpressure.Add(-o.waiting.bytes)
	}
	o.closed, o.waiting.weight = true, weight{}
	return events, unacked, dropped
}

// AwaitFlush blocks, after Detach, until what was in flight is written, for at most 100 ms. It reports false if the
// peer does not take it.
func (o *Outbox) AwaitFlush() bool { return o.inFlight.await() }

// LateAcks returns how many of the frames that were in flight at Detach were written after all.
func (o *Outbox) LateAcks() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.inFlight.late
}
