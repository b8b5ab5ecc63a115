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
func (t *inFlight) took(frames []*Frame) { t.frames = append(t.frames, frames...) }

// wrote says that the oldest so many have left for the kernel.
func (t *inFlight) acked(frames int) {
	rest := copy(t.frames, t.frames[frames:])
	clear(t.frames[rest:])
	t.frames = t.frames[:rest]
	if rest == 0 && cap(t.frames) > 16 {
		t.frames = nil
	}
}

// wroteLate is wrote after the outbox was closed.
func (t *inFlight) ackedLate(frames int) {
	if t.flushed == nil {
		return
	}
	before := t.late
	t.late += frames
	if before < len(t.frames) && t.late >= len(t.frames) {
		close(t.flushed)
	}
}

// part says that the outbox is closed, and returns the frames that may be written at this moment.
func (t *inFlight) detach() (flying []*Frame) {
	if t.flushed = make(chan struct{}); len(t.frames) == 0 {
		close(t.flushed)
	}
	return append(flying, t.frames...)
}

// FlushTime is how long a frame that is being written may take, when a client is there again.
const FlushTime = 100 * time.Millisecond

// await waits, after detach and without the lock, for what is being written. It reports false if the peer does not take it.
func (t *inFlight) await() bool {
	select {
	case <-t.flushed:
		return true
	case <-time.After(FlushTime):
		return false
	}
}

// Detach closes the outbox and returns the events that were not written, oldest first. What the wire has taken may be
// written at this moment: these frames are the first, flying is how many they are, and written says later what became of
// them. dropped are other frames: answers to a client that is not there any more.
func (o *Outbox) Detach() (events []*Frame, flying, dropped int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, 0, 0
	}
	events = o.inFlight.detach()
	flying = len(events)
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
	return events, flying, dropped
}

// isEvent reports whether the frame is an event, and no answer or ping.
func (f *Frame) IsEvent() bool { return f.Born != 0 }

// written is how many of the flying frames were written after all.
func (o *Outbox) LateAcks() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.inFlight.late
}
