package outbox

// sendQueue decides in which order the frames of one socket go: first the control frames, then the fifo, in which
// placeholders stand for lossy frames. It knows no lock, no transport and no backpressure: these are the outbox's.
//
// Its fields stand in this order since an offer touches half of them (Outbox).
type sendQueue struct {
	weight               // of all frames that wait, or were taken and are not yet written
	fifo    fifo         // events, and control frames that had to wait behind them
	control controlQueue // control frames that go ahead
	lossy   *lossyQueue  // frames of the fifo that may be dropped; nil while the reader keeps up
}

// weight is a number of frames and their bytes in all, by Frame.Size.
type weight struct{ frames, bytes int }

func (w *weight) add(frames, bytes int) {
	w.frames += frames
	w.bytes += bytes
}

// empty reports whether there is nothing to take.
func (q *sendQueue) empty() bool { return q.fifo.empty() && q.control.first == nil }

// full reports whether there is no room for so many bytes more beside what waits. An empty queue takes any one frame:
// an offer need not know the limits then.
func (q *sendQueue) full(size int, max Limits) bool { return max.exceeded(q.frames+1, q.bytes+size) }

// overShare reports whether one more frame of that policy would have to make room.
func (q *sendQueue) overShare(policy Policy, size int, max Limits) bool {
	return max.share(policy).exceeded(q.frames+1, q.bytes+size)
}

// mayBatch reports whether the outbox, which batches or has just got an event, may let its events wait for more: all
// that waits are events that it batches, none of them taken, and they are not too much.
func (q *sendQueue) mayBatch(batching bool, shared *Shared) bool {
	most := shared.Limits.share(Conflate)
	return (batching || q.frames == 1) && q.bytes <= min(batchBytes, most.Bytes) && q.frames <= most.Frames
}

// push queues a frame of so many bytes behind all others.
func (q *sendQueue) push(f *Frame, size int) {
	q.fifo.push(f)
	q.add(1, size)
}

// sendControl queues a control frame ahead of the fifo, or in it if the client must get what waits first (behind), or
// if the control queue is full. It reports false if the frame has to go into the fifo and room is false.
func (q *sendQueue) sendControl(f *controlFrame, behind, room bool) bool {
	if behind && !q.fifo.empty() || !q.control.push(f) {
		if !room {
			return false
		}
		q.control.behind++
		f.policy = controlBehind
		q.fifo.push(&f.Frame)
	}
	q.add(1, f.Size())
	return true
}

// prepend queues frames ahead of the fifo, and returns how many bytes they have.
func (q *sendQueue) prepend(frames []*Frame) (bytes int) {
	for _, f := range frames {
		bytes += f.Size()
	}
	q.fifo.refill(frames, func(*Frame) bool { return true })
	q.add(len(frames), bytes)
	return bytes
}

// makeRoom queues a frame for which older ones of its topic may make room; false if there is no room even so.
func (q *sendQueue) makeRoom(f *Frame, max Limits) bool {
	if q.lossy == nil {
		q.lossy = newLossyQueue(&q.fifo, &q.weight)
	}
	return q.lossy.makeRoom(f, max)
}

// shed drops what lossyQueue.shed drops.
func (q *sendQueue) shed() {
	if q.fifo.empty() {
		return
	}
	if q.lossy == nil {
		q.lossy = newLossyQueue(&q.fifo, &q.weight)
	}
	if q.lossy.shed(); len(q.lossy.topics) == 0 {
		q.lossy = nil
	}
}

// overflow returns how many of these frames, from the oldest, have to be left out for the rest to fit in.
func (q *sendQueue) overflow(frames []*Frame, max Limits) (left int) {
	bytes, share := q.bytes, max.share(DropOldest)
	for i := len(frames) - 1; i >= 0; i-- {
		bytes += frames[i].Size()
		limits := max
		if frames[i].policy != Keep {
			limits = share
		}
		if limits.exceeded(q.frames+len(frames)-i, bytes) {
			return i + 1
		}
	}
	return 0
}

// take appends frames to into: at most max bytes of them, but at least one if any waits.
func (q *sendQueue) take(into []*Frame, max int) []*Frame {
	plain := q.control.first == nil && q.control.behind == 0 && q.lossy == nil // the common case; it stays so below
	for taken := 0; ; {
		f := q.fifo.front()
		if !plain {
			f = q.front()
		}
		if f == nil || taken > 0 && taken+f.Size() > max {
			return into
		}
		taken += f.Size()
		if plain {
			q.fifo.pop()
		} else {
			q.pop()
		}
		into = append(into, f)
	}
}

// front returns the frame that pop takes out, nil if there is none.
func (q *sendQueue) front() *Frame {
	switch {
	case q.control.first != nil:
		return &q.control.first.Frame
	case q.lossy != nil:
		return q.lossy.front()
	}
	return q.fifo.front()
}

// pop takes out the next frame, nil if there is none.
func (q *sendQueue) pop() *Frame {
	f := q.front()
	if f == nil {
		q.lossy = nil
		return nil
	}
	if q.control.first != nil {
		q.control.pop()
		return f
	}
	switch next := q.fifo.pop(); next.policy {
	case placeholder:
		q.lossy.popFrame(next)
	case controlBehind:
		q.control.behind--
	}
	return f
}

// acked takes frames that were written off the weight.
func (q *sendQueue) acked(frames, bytes int) {
	q.add(-frames, -bytes)
	if q.empty() {
		q.lossy = nil
	}
}
