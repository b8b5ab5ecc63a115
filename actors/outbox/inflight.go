package outbox

import "time"

// FlushTime is how long AwaitFlush waits at most.
const FlushTime = 100 * time.Millisecond

// inFlight holds the frames of one outbox that its transport has taken and not yet written, oldest first. Only outboxes
// of connections whose client may resume have one. The outbox's lock guards it, and the outbox's limits bound it, since
// these frames still count as waiting.
type inFlight struct {
	frames  []*Frame
	late    int           // how many of them were written after the outbox was detached
	flushed chan struct{} // closed when all were; made by detach
}

// add notes frames that the transport has taken.
func (f *inFlight) add(frames []*Frame) { f.frames = append(f.frames, frames...) }

// acked notes that the oldest so many frames were written, and forgets them; after detach it counts them.
func (f *inFlight) acked(frames int) {
	if f.flushed != nil {
		f.ackedLate(frames)
		return
	}
	rest := copy(f.frames, f.frames[frames:])
	clear(f.frames[rest:])
	f.frames = f.frames[:rest]
	if rest == 0 && cap(f.frames) > 16 {
		f.frames = nil
	}
}

// ackedLate counts frames that were written after detach.
func (f *inFlight) ackedLate(frames int) {
	before := f.late
	f.late += frames
	if before < len(f.frames) && f.late >= len(f.frames) {
		close(f.flushed)
	}
}

// detach says that the outbox is closed, and returns the frames that may be written at this moment.
func (f *inFlight) detach() (frames []*Frame) {
	if f.flushed = make(chan struct{}); len(f.frames) == 0 {
		close(f.flushed)
	}
	return append(frames, f.frames...)
}

// await waits, after detach and without the lock, until all frames are written. It reports false if the peer does not
// take them in time.
func (f *inFlight) await() bool {
	select {
	case <-f.flushed:
		return true
	case <-time.After(FlushTime):
		return false
	}
}
