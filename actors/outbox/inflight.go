package outbox

import "time"

// trail are the frames that the wire of one outbox has taken and not yet written, oldest first. Only outboxes of
// connections that may linger have one; the outbox's lock guards it. It is bounded by the outbox, for which these frames
// are still waiting.
type inFlight struct {
	frames  []*Frame
	late    int           // how many of them were written after the outbox was closed
	flushed chan struct{} // closed when all were; made when it is closed
}

// took notes frames that the wire has taken.
func (f *inFlight) add(frames []*Frame) { f.frames = append(f.frames, frames...) }

// wrote says that the oldest so many have left for the kernel.
func (f *inFlight) acked(frames int) {
	rest := copy(f.frames, f.frames[frames:])
	clear(f.frames[rest:])
	f.frames = f.frames[:rest]
	if rest == 0 && cap(f.frames) > 16 {
		f.frames = nil
	}
}

// wroteLate is wrote after the outbox was closed.
func (f *inFlight) ackedLate(frames int) {
	if f.flushed == nil {
		return
	}
	before := f.late
	f.late += frames
	if before < len(f.frames) && f.late >= len(f.frames) {
		close(f.flushed)
	}
}

// part says that the outbox is closed, and returns the frames that may be written at this moment.
func (f *inFlight) detach() (frames []*Frame) {
	if f.flushed = make(chan struct{}); len(f.frames) == 0 {
		close(f.flushed)
	}
	return append(frames, f.frames...)
}

// FlushTime is how long a frame that is being written may take, when a client is there again.
const FlushTime = 100 * time.Millisecond

// await waits, after detach and without the lock, for what is being written. It reports false if the peer does not take it.
func (f *inFlight) await() bool {
	select {
	case <-f.flushed:
		return true
	case <-time.After(FlushTime):
		return false
	}
}

// Detach closes the outbox and returns the events that were not written, oldest first. What the wire has taken may be
// written at this moment: these frames are the first, flying is how many they are, and written says later what became of
// them. dropped are other frames: answers to a client that is not there any more.
func (o *Outbox) Detach() (events []*Frame, inFlight, dropped int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, 0, 0
	}
	events = o.inFlight.detach()
	inFlight = len(events)
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
	return events, inFlight, dropped
}

// isEvent reports whether the frame is an event, and no answer or ping.
func (f *Frame) IsEvent() bool { return f.Born != 0 }

// written is how many of the flying frames were written after all.
func (o *Outbox) LateAcks() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.inFlight.late
}
