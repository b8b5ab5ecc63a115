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
func (p *sendQueue) empty() bool { return p.fifo.empty() && p.control.first == nil }

// push queues a frame behind all.
func (p *sendQueue) push(f *Frame, size int) {
	p.fifo.push(f)
	p.add(1, size)
}

// say queues what is said to this client alone, ahead of the line or in it; behind says that the client must hear what
// waits before it. It reports false if that has to be in the line, which has no room.
func (p *sendQueue) sendControl(a *controlFrame, behind, room bool) bool {
	if behind && !p.fifo.empty() || !p.control.push(a) {
		if !room {
			return false
		}
		p.control.behind++
		a.policy = controlled
		p.fifo.push(&a.Frame)
	}
	p.add(1, a.Size())
	return true
}

// prepend queues frames ahead of all that is in the line, and returns how many bytes they are.
func (p *sendQueue) prepend(frames []*Frame) (bytes int) {
	for _, f := range frames {
		bytes += f.Size()
	}
	p.fifo.refill(frames, func(*Frame) bool { return true })
	p.add(len(frames), bytes)
	return bytes
}

// squeeze queues a frame where older ones of its topic may make room for it; false if there is no room even so.
func (p *sendQueue) makeRoom(f *Frame, max Limits) bool {
	if p.lossy == nil {
		p.lossy = newLossyQueue(&p.fifo, &p.weight)
	}
	return p.lossy.makeRoom(f, max)
}

// thin drops what loose.thin drops.
func (p *sendQueue) shed() {
	if p.fifo.empty() {
		return
	}
	if p.lossy == nil {
		p.lossy = newLossyQueue(&p.fifo, &p.weight)
	}
	if p.lossy.shed(); len(p.lossy.topics) == 0 {
		p.lossy = nil
	}
}

// room is how many of these frames, from the oldest, have to be left away for the rest to fit in.
func (p *sendQueue) overflow(frames []*Frame, max Limits) (left int) {
	bytes, share := p.bytes, max.share(DropOldest)
	for i := len(frames) - 1; i >= 0; i-- {
		bytes += frames[i].Size()
		most := max
		if frames[i].policy != Keep {
			most = share
		}
		if most.exceeded(p.frames+len(frames)-i, bytes) {
			return i + 1
		}
	}
	return 0
}

// take appends frames to into: at most max bytes of them, but at least one if any waits.
func (p *sendQueue) take(into []*Frame, max int) []*Frame {
	plain := p.control.first == nil && p.control.behind == 0 && p.lossy == nil // and so it stays: the common case
	for taken := 0; ; {
		f := p.fifo.front()
		if !plain {
			f = p.front()
		}
		if f == nil || taken > 0 && taken+f.Size() > max {
			return into
		}
		taken += f.Size()
		if plain {
			p.fifo.pop()
		} else {
			p.pop()
		}
		into = append(into, f)
	}
}

// front is the frame that pop takes out, nil if there is none.
func (p *sendQueue) front() *Frame {
	switch {
	case p.control.first != nil:
		return &p.control.first.Frame
	case p.lossy != nil:
		return p.lossy.front()
	}
	return p.fifo.front()
}

// pop takes the next frame out, nil if there is none.
func (p *sendQueue) pop() *Frame {
	f := p.front()
	if f == nil {
		p.lossy = nil
		return nil
	}
	if p.control.first != nil {
		p.control.pop()
		return f
	}
	switch t := p.fifo.pop(); t.policy {
	case ticket:
		p.lossy.redeem(t)
	case controlled:
		p.control.behind--
	}
	return f
}

// wrote counts so many frames off that were taken and written.
func (p *sendQueue) acked(frames, bytes int) {
	p.add(-frames, -bytes)
	if p.empty() {
		p.lossy = nil
	}
}
