package outbox

// loose are the waiting frames of topics whose frames need not all arrive. They are looked for when a reader falls behind,
// and sorted into lanes, one for each topic; in the line a ticket stands for each, which is good for the oldest frame of
// its lane. So a frame can be dropped or replaced without a search, and all that is not replaced keeps its order: what is
// dropped leaves a ticket in front, which stands for nothing. Who keeps up has none of this.
type lossyQueue struct {
	topics map[uint32]*topicQueue
	spare  int     // of all lanes
	fifo   *fifo   // static: where the tickets wait, among others' frames
	weight *weight // static: what all that waits comes to, in lanes or not
}

// lane holds the waiting frames of one topic.
type topicQueue struct {
	ticket  Frame
	frames  []*Frame // oldest first
	bytes   int
	shifted int            // how many left in front: frames[i] is number gone+i
	numbers map[uint64]int // of frames that may be replaced, by key
	spare   int            // tickets in the line that stand for nothing, since what they stood for was dropped
}

// loosen sorts what waits in a line into lanes.
func newLossyQueue(l *fifo, w *weight) *lossyQueue {
	ls := &lossyQueue{topics: map[uint32]*topicQueue{}, fifo: l, weight: w}
	l.rewrite(ls.sort)
	return ls
}

func (ls *lossyQueue) topic(topic uint32) *topicQueue {
	l := ls.topics[topic]
	if l == nil {
		l = &topicQueue{ticket: Frame{policy: ticket, topic: topic}}
		ls.topics[topic] = l
	}
	return l
}

// place is where the lane has an older frame that this one may replace, nil if it has none.
func (l *topicQueue) older(f *Frame) **Frame {
	if number, ok := l.numbers[f.key]; ok && f.policy == Conflate {
		return &l.frames[number-l.shifted]
	}
	return nil
}

// replace puts a frame in the place of an older one, and returns by how much the bytes grew.
func (l *topicQueue) replace(at **Frame, f *Frame) (grown int) {
	grown = f.Size() - (*at).Size()
	*at = f
	l.bytes += grown
	return grown
}

// add puts a frame behind all.
func (l *topicQueue) add(f *Frame) {
	if f.policy == Conflate {
		if l.numbers == nil {
			l.numbers = map[uint64]int{}
		}
		l.numbers[f.key] = l.shifted + len(l.frames)
	}
	l.frames = append(l.frames, f)
	l.bytes += f.Size()
}

// shift takes the oldest frame out.
func (l *topicQueue) shift() *Frame {
	f := l.frames[0]
	if f.policy == Conflate && l.numbers[f.key] == l.shifted {
		delete(l.numbers, f.key)
	}
	l.frames[0] = nil
	l.frames = l.frames[1:]
	l.shifted++
	l.bytes -= f.Size()
	return f
}

// squeeze queues a frame, for which older ones of its topic may make room; false if there is no room even so. max are the
// bounds for all that waits.
func (ls *lossyQueue) makeRoom(f *Frame, max Limits) bool {
	l, share := ls.topic(f.topic), max.share(DropOldest)
	switch at := l.older(f); {
	case at != nil && ls.weight.bytes+f.Size()-(*at).Size() <= max.Bytes: // what is newest goes beyond the share, not beyond the bound
		ls.weight.bytes += l.replace(at, f)
	case ls.fits(l, f, share):
		ls.enqueue(l, f, share)
	default:
		ls.forgetIfEmpty(l)
		return false
	}
	return true
}

// fits reports whether there is room for a frame if all others of its lane make room.
func (ls *lossyQueue) fits(l *topicQueue, f *Frame, share Limits) bool {
	others := ls.weight.frames - len(l.frames)
	return others == 0 || !share.exceeded(others+1, ls.weight.bytes-l.bytes+f.Size())
}

// enlist queues a frame of a lane, and drops the oldest ones for it that there is no room for.
func (ls *lossyQueue) enqueue(l *topicQueue, f *Frame, share Limits) {
	for len(l.frames) > 0 && share.exceeded(ls.weight.frames+1, ls.weight.bytes+f.Size()) {
		ls.drop(l)
	}
	ls.weight.add(1, f.Size())
	l.add(f)
	ls.fifo.push(&l.ticket)
	ls.dropSpareTickets()
}

// thin drops all but the newest frame of each lane, and all but the newest of each key.
func (ls *lossyQueue) shed() {
	for _, l := range ls.topics {
		for len(l.frames) > 1 && l.frames[0].policy == DropOldest {
			ls.drop(l)
		}
	}
}

// drop takes the oldest frame of a lane out.
func (ls *lossyQueue) drop(l *topicQueue) {
	ls.lost(l, l.shift())
}

// gone counts a frame off that gave way, and its ticket, which stands for nothing now.
func (ls *lossyQueue) lost(l *topicQueue, f *Frame) {
	ls.weight.add(-1, -f.Size())
	l.spare++
	ls.spare++
}

// sweep takes the tickets that stand for nothing out of the line, when they are more than what waits: a reader that does
// not read at all never comes to them.
func (ls *lossyQueue) dropSpareTickets() {
	if ls.spare <= ls.weight.frames+cap(chunk{}.frames) {
		return
	}
	ls.fifo.refill(nil, func(f *Frame) bool { return f.policy != ticket || !ls.dropSpareTicket(ls.topics[f.topic]) })
}

// burn takes one ticket that stands for nothing off the count; false if the lane has none.
func (ls *lossyQueue) dropSpareTicket(l *topicQueue) bool {
	if l.spare == 0 {
		return false
	}
	l.spare--
	ls.spare--
	ls.forgetIfEmpty(l)
	return true
}

// tidy forgets a lane for which nothing waits: of topics there may be many, and a slow reader's line may never be empty.
func (ls *lossyQueue) forgetIfEmpty(l *topicQueue) {
	if len(l.frames) == 0 && l.spare == 0 {
		delete(ls.topics, l.ticket.topic)
	}
}

// sort puts a waiting frame into its lane, if that is where it belongs, and returns what stands in the line from now on.
func (ls *lossyQueue) sort(f *Frame) *Frame {
	if f.policy != DropOldest && f.policy != Conflate {
		return f
	}
	l := ls.topic(f.topic)
	if older := l.older(f); older != nil {
		ls.lost(l, *older)
		l.replace(older, f)
	} else {
		l.add(f)
	}
	return &l.ticket
}

// front is the next frame in the line, or what the ticket in front stands for; nil if there is none. It takes out the
// tickets before it that stand for nothing.
func (ls *lossyQueue) front() *Frame {
	for {
		f := ls.fifo.front()
		if f == nil || f.policy != ticket {
			return f
		}
		l := ls.topics[f.topic]
		if !ls.dropSpareTicket(l) { // else what was dropped was in front
			return l.frames[0]
		}
		ls.fifo.pop()
	}
}

// redeem takes out what a ticket stands for, which front has found.
func (ls *lossyQueue) redeem(t *Frame) {
	l := ls.topics[t.topic]
	l.shift()
	ls.forgetIfEmpty(l)
}
