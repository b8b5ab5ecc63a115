package outbox

import "time"

// This is the part of an outbox that its wire uses: it takes frames, writes them, and says so.

// Take appends waiting frames to into: at most max bytes of them, but at least one if any waits. If it appends none, the
// outbox is empty and the next offer will Wake the wire. For one outbox, Take and Ack are called by one goroutine at a
// time.
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

// Ack says that these frames, which Take gave, have left for the kernel.
func (o *Outbox) Ack(frames []*Frame) {
	freed, _ := o.ack(frames, time.Now().UnixNano(), true)
	o.ReleaseCredit(freed)
}

// AckAt is Ack for a writer of many sockets, which asks once for what it needs of many. now is the time, in Unix
// nanoseconds. If more is false nothing waits, and the next offer will Wake the wire, as if Take had found nothing.
// freed are bytes that the writer owes to ReleaseCredit.
func (o *Outbox) AckAt(frames []*Frame, now int64) (freed int, more bool) {
	return o.ack(frames, now, false)
}

// ReleaseCredit gives back what AckAt freed, of all outboxes of one Backlog together: each gift may be felt by every publisher.
func (o *Outbox) ReleaseCredit(freed int) {
	if freed > 0 {
		o.backpressure.Add(-freed)
	}
}

// Backlog is where the bytes that wait here count: that of their tenant; nil if they count nowhere. It is to be asked
// after AckAt freed some: then it does not change any more.
func (o *Outbox) Backpressure() *Backpressure { return o.backpressure }

func (o *Outbox) ack(frames []*Frame, now int64, awake bool) (freed int, more bool) {
	bytes, data := 0, 0
	for _, f := range frames {
		bytes += f.Size()
		data += len(f.Data)
		if f.Born != 0 {
			o.Latency.Observe(uint64(o.shard), f.Born, now)
		}
	}
	o.mu.Lock()
	freed, more = o.acked(len(frames), bytes, data, awake)
	o.mu.Unlock()
	return freed, more
}

// wrote counts frames that were written, of so many bytes, those of their data alone beside.
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
