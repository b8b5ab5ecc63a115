package actors

import "time"

// This is the part of an outbox that its wire uses: it takes frames, writes them, and says so.

// Take appends waiting frames to into: at most max bytes of them, but at least one if any waits. If it appends none, the
// outbox is empty and the next offer will Wake the wire. For one outbox, Take and Wrote are called by one goroutine at a
// time.
func (o *Outbox) Take(into []*Frame, max int) []*Frame {
	had := len(into)
	o.mu.Lock()
	if !o.held && !o.waiting.empty() {
		into = o.waiting.take(into, max)
		if o.trail != nil {
			o.trail.took(into[had:])
		}
	}
	if len(into) == had {
		o.awake = false
	}
	o.mu.Unlock()
	return into
}

// Wrote says that these frames, which Take gave, have left for the kernel.
func (o *Outbox) Wrote(frames []*Frame) {
	freed, _ := o.settle(frames, time.Now().UnixNano(), true)
	o.Relieve(freed)
}

// Settle is Wrote for a writer of many sockets, which asks once for what it needs of many. now is the time, in Unix
// nanoseconds. If more is false nothing waits, and the next offer will Wake the wire, as if Take had found nothing.
// freed are bytes that the writer owes to Relieve.
func (o *Outbox) Settle(frames []*Frame, now int64) (freed int, more bool) {
	return o.settle(frames, now, false)
}

// Relieve gives back what Settle freed, of all outboxes of one Backlog together: each gift may be felt by every publisher.
func (o *Outbox) Relieve(freed int) {
	if freed > 0 {
		o.backlog.add(-freed)
	}
}

// Backlog is where the bytes that wait here count: that of their tenant; nil if they count nowhere. It is to be asked
// after Settle freed some: then it does not change any more.
func (o *Outbox) Backlog() *Backlog { return o.backlog }

func (o *Outbox) settle(frames []*Frame, now int64, awake bool) (freed int, more bool) {
	bytes, data := 0, 0
	for _, f := range frames {
		bytes += f.size()
		data += len(f.Data)
		if f.Born != 0 {
			o.latency.observe(uint64(o.shard), f.Born, now)
		}
	}
	o.mu.Lock()
	freed, more = o.wrote(len(frames), bytes, data, awake)
	o.mu.Unlock()
	return freed, more
}

// wrote counts frames that were written, of so many bytes, those of their data alone beside.
func (o *Outbox) wrote(frames, bytes, data int, awake bool) (freed int, more bool) {
	o.sentFrames += uint64(frames)
	o.sentBytes += uint64(data)
	if o.closed {
		if o.trail != nil {
			o.trail.wroteLate(frames)
		}
		return 0, false
	}
	o.waiting.wrote(frames, bytes)
	if o.trail != nil {
		o.trail.wrote(frames)
	}
	more = !o.held && !o.waiting.empty()
	o.awake = more || awake
	if !o.counted {
		bytes = 0
	}
	return bytes, more
}
