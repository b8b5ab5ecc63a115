package actors

// pending is what one socket has yet to be written, and in which order it goes: the asides, then the line, in which a
// ticket stands for what is loose. It knows no lock, no wire and no backlog: these are the outbox's, which alone has one.
//
// Its fields stand as they do since half of them belong to what an offer needs (Outbox).
type pending struct {
	weight        // of what waits, or was taken and is not yet written
	line   line   // what does not go ahead
	asides asides // what does
	loose  *loose // what of the line may be dropped; nil while the reader keeps up
}

// weight is so many frames, of so many bytes in all.
type weight struct{ frames, bytes int }

func (w *weight) add(frames, bytes int) {
	w.frames += frames
	w.bytes += bytes
}

// empty reports whether nothing is left to be taken.
func (p *pending) empty() bool { return p.line.empty() && p.asides.first == nil }

// push queues a frame behind all.
func (p *pending) push(f *Frame, size int) {
	p.line.push(f)
	p.add(1, size)
}

// say queues what is said to this client alone, ahead of the line or in it; behind says that the client must hear what
// waits before it. It reports false if that has to be in the line, which has no room.
func (p *pending) say(a *aside, behind, room bool) bool {
	if behind && !p.line.empty() || !p.asides.push(a) {
		if !room {
			return false
		}
		p.asides.behind++
		a.fate = answered
		p.line.push(&a.Frame)
	}
	p.add(1, a.size())
	return true
}

// prepend queues frames ahead of all that is in the line, and returns how many bytes they are.
func (p *pending) prepend(frames []*Frame) (bytes int) {
	for _, f := range frames {
		bytes += f.size()
	}
	p.line.refill(frames, func(*Frame) bool { return true })
	p.add(len(frames), bytes)
	return bytes
}

// squeeze queues a frame where older ones of its topic may make room for it; false if there is no room even so.
func (p *pending) squeeze(f *Frame, max OutboxLimits) bool {
	if p.loose == nil {
		p.loose = loosen(&p.line, &p.weight)
	}
	return p.loose.squeeze(f, max)
}

// thin drops what loose.thin drops.
func (p *pending) thin() {
	if p.line.empty() {
		return
	}
	if p.loose == nil {
		p.loose = loosen(&p.line, &p.weight)
	}
	if p.loose.thin(); len(p.loose.lanes) == 0 {
		p.loose = nil
	}
}

// room is how many of these frames, from the oldest, have to be left away for the rest to fit in.
func (p *pending) room(frames []*Frame, max OutboxLimits) (left int) {
	bytes, share := p.bytes, max.share(droppable)
	for i := len(frames) - 1; i >= 0; i-- {
		bytes += frames[i].size()
		most := max
		if frames[i].fate != lasting {
			most = share
		}
		if most.exceeded(p.frames+len(frames)-i, bytes) {
			return i + 1
		}
	}
	return 0
}

// take appends frames to into: at most max bytes of them, but at least one if any waits.
func (p *pending) take(into []*Frame, max int) []*Frame {
	plain := p.asides.first == nil && p.asides.behind == 0 && p.loose == nil // and so it stays: the common case
	for taken := 0; ; {
		f := p.line.front()
		if !plain {
			f = p.front()
		}
		if f == nil || taken > 0 && taken+f.size() > max {
			return into
		}
		taken += f.size()
		if plain {
			p.line.pop()
		} else {
			p.pop()
		}
		into = append(into, f)
	}
}

// front is the frame that pop takes out, nil if there is none.
func (p *pending) front() *Frame {
	switch {
	case p.asides.first != nil:
		return &p.asides.first.Frame
	case p.loose != nil:
		return p.loose.front()
	}
	return p.line.front()
}

// pop takes the next frame out, nil if there is none.
func (p *pending) pop() *Frame {
	f := p.front()
	if f == nil {
		p.loose = nil
		return nil
	}
	if p.asides.first != nil {
		p.asides.pop()
		return f
	}
	switch t := p.line.pop(); t.fate {
	case ticket:
		p.loose.redeem(t)
	case answered:
		p.asides.behind--
	}
	return f
}

// wrote counts so many frames off that were taken and written.
func (p *pending) wrote(frames, bytes int) {
	p.add(-frames, -bytes)
	if p.empty() {
		p.loose = nil
	}
}
