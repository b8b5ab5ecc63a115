package outbox

// pending is what one socket has yet to be written, and in which order it goes: the asides, then the line, in which a
// ticket stands for what is loose. It knows no lock, no wire and no backlog: these are the outbox's, which alone has one.
//
// Its fields stand as they do since half of them belong to what an offer needs (Outbox).
type sendQueue struct {
	weight               // of what waits, or was taken and is not yet written
	fifo    fifo         // what does not go ahead
	control controlQueue // what does
	lossy   *lossyQueue  // what of the line may be dropped; nil while the reader keeps up
}

// weight is so many frames, of so many bytes in all.
type weight struct{ frames, bytes int }

func (w *weight) add(frames, bytes int) {
	w.frames += frames
	w.bytes += bytes
}

// empty reports whether nothing is left to be taken.
func (q *sendQueue) empty() bool { return q.fifo.empty() && q.control.first == nil }

// push queues a frame behind all.
func (q *sendQueue) push(f *Frame, size int) {
	q.fifo.push(f)
	q.add(1, size)
}

// say queues what is said to this client alone, ahead of the line or in it; behind says that the client must hear what
// waits before it. It reports false if that has to be in the line, which has no room.
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

// prepend queues frames ahead of all that is in the line, and returns how many bytes they are.
func (q *sendQueue) prepend(frames []*Frame) (bytes int) {
	for _, f := range frames {
		bytes += f.Size()
	}
	q.fifo.refill(frames, func(*Frame) bool { return true })
	q.add(len(frames), bytes)
	return bytes
}

// squeeze queues a frame where older ones of its topic may make room for it; false if there is no room even so.
func (q *sendQueue) makeRoom(f *Frame, max Limits) bool {
	if q.lossy == nil {
		q.lossy = newLossyQueue(&q.fifo, &q.weight)
	}
	return q.lossy.makeRoom(f, max)
}

// thin drops what loose.thin drops.
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

// room is how many of these frames, from the oldest, have to be left away for the rest to fit in.
func (q *sendQueue) overflow(frames []*Frame, max Limits) (left int) {
	bytes, share := q.bytes, max.share(DropOldest)
	for i := len(frames) - 1; i >= 0; i-- {
		bytes += frames[i].Size()
		most := max
		if frames[i].policy != Keep {
			most = share
		}
		if most.exceeded(q.frames+len(frames)-i, bytes) {
			return i + 1
		}
	}
	return 0
}

// take appends frames to into: at most max bytes of them, but at least one if any waits.
func (q *sendQueue) take(into []*Frame, max int) []*Frame {
	plain := q.control.first == nil && q.control.behind == 0 && q.lossy == nil // and so it stays: the common case
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

// front is the frame that pop takes out, nil if there is none.
func (q *sendQueue) front() *Frame {
	switch {
	case q.control.first != nil:
		return &q.control.first.Frame
	case q.lossy != nil:
		return q.lossy.front()
	}
	return q.fifo.front()
}

// pop takes the next frame out, nil if there is none.
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

// wrote counts so many frames off that were taken and written.
func (q *sendQueue) acked(frames, bytes int) {
	q.add(-frames, -bytes)
	if q.empty() {
		q.lossy = nil
	}
}
