package actors

// loose are the waiting frames of topics whose frames need not all arrive. They are looked for when a reader falls behind,
// and sorted into lanes, one for each topic; in the line a ticket stands for each, which is good for the oldest frame of
// its lane. So a frame can be dropped or replaced without a search, and all that is not replaced keeps its order: what is
// dropped leaves a ticket in front, which stands for nothing. Who keeps up has none of this.
type loose struct {
	lanes  map[uint32]*lane
	spare  int     // of all lanes
	line   *line   // static: where the tickets wait, among others' frames
	weight *weight // static: what all that waits comes to, in lanes or not
}

// lane holds the waiting frames of one topic.
type lane struct {
	ticket  Frame
	frames  []*Frame // oldest first
	bytes   int
	gone    int            // how many left in front: frames[i] is number gone+i
	numbers map[uint64]int // of frames that may be replaced, by key
	spare   int            // tickets in the line that stand for nothing, since what they stood for was dropped
}

// loosen sorts what waits in a line into lanes.
func loosen(l *line, w *weight) *loose {
	ls := &loose{lanes: map[uint32]*lane{}, line: l, weight: w}
	l.rewrite(ls.sort)
	return ls
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

// squeeze queues a frame, for which older ones of its topic may make room; false if there is no room even so. max are the
// bounds for all that waits.
func (ls *loose) squeeze(f *Frame, max OutboxLimits) bool {
	l, share := ls.lane(f.topic), max.share(droppable)
	switch at := l.place(f); {
	case at != nil && ls.weight.bytes+f.size()-(*at).size() <= max.Bytes: // what is newest goes beyond the share, not beyond the bound
		ls.weight.bytes += l.replace(at, f)
	case ls.fits(l, f, share):
		ls.enlist(l, f, share)
	default:
		ls.tidy(l)
		return false
	}
	return true
}

// fits reports whether there is room for a frame if all others of its lane make room.
func (ls *loose) fits(l *lane, f *Frame, share OutboxLimits) bool {
	others := ls.weight.frames - len(l.frames)
	return others == 0 || !share.exceeded(others+1, ls.weight.bytes-l.bytes+f.size())
}

// enlist queues a frame of a lane, and drops the oldest ones for it that there is no room for.
func (ls *loose) enlist(l *lane, f *Frame, share OutboxLimits) {
	for len(l.frames) > 0 && share.exceeded(ls.weight.frames+1, ls.weight.bytes+f.size()) {
		ls.drop(l)
	}
	ls.weight.add(1, f.size())
	l.add(f)
	ls.line.push(&l.ticket)
	ls.sweep()
}

// thin drops all but the newest frame of each lane, and all but the newest of each key.
func (ls *loose) thin() {
	for _, l := range ls.lanes {
		for len(l.frames) > 1 && l.frames[0].fate == droppable {
			ls.drop(l)
		}
	}
}

// drop takes the oldest frame of a lane out.
func (ls *loose) drop(l *lane) {
	ls.gone(l, l.shift())
}

// gone counts a frame off that gave way, and its ticket, which stands for nothing now.
func (ls *loose) gone(l *lane, f *Frame) {
	ls.weight.add(-1, -f.size())
	l.spare++
	ls.spare++
}

// sweep takes the tickets that stand for nothing out of the line, when they are more than what waits: a reader that does
// not read at all never comes to them.
func (ls *loose) sweep() {
	if ls.spare <= ls.weight.frames+cap(chunk{}.frames) {
		return
	}
	ls.line.refill(nil, func(f *Frame) bool { return f.fate != ticket || !ls.burn(ls.lanes[f.topic]) })
}

// burn takes one ticket that stands for nothing off the count; false if the lane has none.
func (ls *loose) burn(l *lane) bool {
	if l.spare == 0 {
		return false
	}
	l.spare--
	ls.spare--
	ls.tidy(l)
	return true
}

// tidy forgets a lane for which nothing waits: of topics there may be many, and a slow reader's line may never be empty.
func (ls *loose) tidy(l *lane) {
	if len(l.frames) == 0 && l.spare == 0 {
		delete(ls.lanes, l.ticket.topic)
	}
}

// sort puts a waiting frame into its lane, if that is where it belongs, and returns what stands in the line from now on.
func (ls *loose) sort(f *Frame) *Frame {
	if f.fate != droppable && f.fate != replaceable {
		return f
	}
	l := ls.lane(f.topic)
	if older := l.place(f); older != nil {
		ls.gone(l, *older)
		l.replace(older, f)
	} else {
		l.add(f)
	}
	return &l.ticket
}

// front is the next frame in the line, or what the ticket in front stands for; nil if there is none. It takes out the
// tickets before it that stand for nothing.
func (ls *loose) front() *Frame {
	for {
		f := ls.line.front()
		if f == nil || f.fate != ticket {
			return f
		}
		l := ls.lanes[f.topic]
		if !ls.burn(l) { // else what was dropped was in front
			return l.frames[0]
		}
		ls.line.pop()
	}
}

// redeem takes out what a ticket stands for, which front has found.
func (ls *loose) redeem(t *Frame) {
	l := ls.lanes[t.topic]
	l.shift()
	ls.tidy(l)
}
