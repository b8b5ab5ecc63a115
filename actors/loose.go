package actors

// loose are the waiting frames of topics whose frames need not all arrive. They are looked for when a reader falls behind,
// and sorted into lanes, one for each topic; in the queue a ticket stands for each, which is good for the oldest frame of
// its lane. So a frame can be dropped or replaced without a search, and all that is not replaced keeps its order: what is
// dropped leaves a ticket in front, which stands for nothing. Who keeps up has none of this.
type loose struct {
	lanes map[uint32]*lane
	spare int // of all lanes
}

// lane holds the waiting frames of one topic.
type lane struct {
	ticket  Frame
	frames  []*Frame // oldest first
	bytes   int
	gone    int            // how many left in front: frames[i] is number gone+i
	numbers map[uint64]int // of frames that may be replaced, by key
	spare   int            // tickets in the queue that stand for nothing, since what they stood for was dropped
}

func (ls *loose) lane(topic uint32) *lane {
	l := ls.lanes[topic]
	if l == nil {
		l = &lane{ticket: Frame{fate: ticket, topic: topic}}
		ls.lanes[topic] = l
	}
	return l
}

// place is where the lane has an older frame that this one may replace, nil if it has none.
func (l *lane) place(f *Frame) **Frame {
	if number, ok := l.numbers[f.key]; ok && f.fate == replaceable {
		return &l.frames[number-l.gone]
	}
	return nil
}

// replace puts a frame in the place of an older one, and returns by how much the bytes grew.
func (l *lane) replace(at **Frame, f *Frame) (grown int) {
	grown = f.size() - (*at).size()
	*at = f
	l.bytes += grown
	return grown
}

// add puts a frame behind all.
func (l *lane) add(f *Frame) {
	if f.fate == replaceable {
		if l.numbers == nil {
			l.numbers = map[uint64]int{}
		}
		l.numbers[f.key] = l.gone + len(l.frames)
	}
	l.frames = append(l.frames, f)
	l.bytes += f.size()
}

// shift takes the oldest frame out.
func (l *lane) shift() *Frame {
	f := l.frames[0]
	if f.fate == replaceable && l.numbers[f.key] == l.gone {
		delete(l.numbers, f.key)
	}
	l.frames[0] = nil
	l.frames = l.frames[1:]
	l.gone++
	l.bytes -= f.size()
	return f
}

// share is the part of an outbox's bounds above which frames of that fate make room for each other: a quarter for those
// that can be replaced without a loss of what is newest, three quarters for others. The rest is for topics whose readers
// would be disconnected.
func (o *Outbox) share(f fate) (bytes, frames int) {
	if f == replaceable {
		return o.max.Bytes / 4, o.max.Frames / 4
	}
	return o.max.Bytes - o.max.Bytes/4, o.max.Frames - o.max.Frames/4
}

// crowded reports whether one more frame of that fate would have to make room. The caller holds the lock, here and below.
func (o *Outbox) crowded(f fate, size int) bool {
	bytes, frames := o.share(f)
	return o.frames > 0 && (o.bytes+size > bytes || o.frames >= frames)
}

// squeeze queues a frame where older ones of its topic may make room for it. It returns by how much the bytes grew, which
// may be less than nothing, and false if there is no room even so.
func (o *Outbox) squeeze(f *Frame) (grown int, ok bool) {
	before := o.bytes
	if o.loose == nil {
		o.loosen()
	}
	l := o.loose.lane(f.topic)
	switch at := l.place(f); {
	case at != nil && o.bytes+f.size()-(*at).size() <= o.max.Bytes: // what is newest goes beyond the share, not beyond the bound
		o.bytes += l.replace(at, f)
		o.lose(1)
	case o.fits(l, f):
		o.enlist(l, f)
	default:
		o.lose(1)
		o.loose.tidy(l)
		return o.bytes - before, false
	}
	return o.bytes - before, true
}

// fits reports whether there is room for a frame if all others of its lane make room.
func (o *Outbox) fits(l *lane, f *Frame) bool {
	bytes, frames := o.share(droppable)
	others := o.frames - len(l.frames)
	return others == 0 || o.bytes-l.bytes+f.size() <= bytes && others < frames
}

// enlist queues a frame of a lane, and drops the oldest ones for it that there is no room for.
func (o *Outbox) enlist(l *lane, f *Frame) {
	bytes, frames := o.share(droppable)
	for len(l.frames) > 0 && (o.bytes+f.size() > bytes || o.frames >= frames) {
		o.drop(l)
	}
	o.bytes += f.size()
	o.frames++
	l.add(f)
	o.line.push(&l.ticket)
	o.sweep()
}

// drop takes the oldest frame of a lane out.
func (o *Outbox) drop(l *lane) {
	o.bytes -= l.shift().size()
	o.frames--
	o.spared(l)
}

// spared counts a frame that is gone, and its ticket, which stands for nothing now.
func (o *Outbox) spared(l *lane) {
	l.spare++
	o.loose.spare++
	o.lose(1)
}

// sweep takes the tickets that stand for nothing out of the queue, when they are more than what waits: a reader that does
// not read at all never comes to them.
func (o *Outbox) sweep() {
	if o.loose.spare <= o.frames+cap(chunk{}.frames) {
		return
	}
	o.line.refill(nil, func(f *Frame) bool { return f.fate != ticket || !o.burn(o.loose.lanes[f.topic]) })
}

// burn takes one ticket that stands for nothing off the count; false if the lane has none.
func (o *Outbox) burn(l *lane) bool {
	if l.spare == 0 {
		return false
	}
	l.spare--
	o.loose.spare--
	o.loose.tidy(l)
	return true
}

// tidy forgets a lane for which nothing waits: of topics there may be many, and a slow reader's queue may never be empty.
func (ls *loose) tidy(l *lane) {
	if len(l.frames) == 0 && l.spare == 0 {
		delete(ls.lanes, l.ticket.topic)
	}
}

// loosen sorts what waits into lanes.
func (o *Outbox) loosen() {
	o.loose = &loose{lanes: map[uint32]*lane{}}
	o.line.rewrite(o.sort)
}

// sort puts a waiting frame into its lane, if that is where it belongs, and returns what stands in the line from now on.
func (o *Outbox) sort(f *Frame) *Frame {
	if f.fate != droppable && f.fate != replaceable {
		return f
	}
	l := o.loose.lane(f.topic)
	if older := l.place(f); older != nil {
		o.bytes -= (*older).size()
		o.frames--
		l.replace(older, f)
		o.spared(l)
	} else {
		l.add(f)
	}
	return &l.ticket
}

// redeem is the frame that a ticket in front of the queue stands for; nil if it stands for nothing, and is taken out.
func (o *Outbox) redeem(t *Frame) *Frame {
	l := o.loose.lanes[t.topic]
	if o.burn(l) { // what was dropped was in front
		o.line.pop()
		return nil
	}
	return l.frames[0]
}

// lose counts frames that gave way to newer ones.
func (o *Outbox) lose(frames uint64) {
	if o.backlog != nil {
		o.backlog.lost.Add(frames)
	}
}
