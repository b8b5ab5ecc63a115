package outbox

// loose are the waiting frames of topics whose frames need not all arrive. They are looked for when a reader falls behind,
// and sorted into lanes, one for each topic; in the line a ticket stands for each, which is good for the oldest frame of
// its lane. So a frame can be dropped or replaced without a search, and all that is not replaced keeps its order: what is
// dropped leaves a ticket in front, which stands for nothing. Who keeps up has none of this.
type lossyQueue struct {
	topics map[uint32]*topicQueue
	stale  int     // of all lanes
	fifo   *fifo   // static: where the tickets wait, among others' frames
	weight *weight // static: what all that waits comes to, in lanes or not
}

// lane holds the waiting frames of one topic.
type topicQueue struct {
	placeholder Frame
	frames      []*Frame // oldest first
	bytes       int
	shifted     int            // how many left in front: frames[i] is number gone+i
	numbers     map[uint64]int // of frames that may be replaced, by key
	stale       int            // tickets in the line that stand for nothing, since what they stood for was dropped
}

// loosen sorts what waits in a line into lanes.
func newLossyQueue(waiting *fifo, w *weight) *lossyQueue {
	q := &lossyQueue{topics: map[uint32]*topicQueue{}, fifo: waiting, weight: w}
	waiting.rewrite(q.moveIn)
	return q
}

func (q *lossyQueue) topic(topic uint32) *topicQueue {
	t := q.topics[topic]
	if t == nil {
		t = &topicQueue{placeholder: Frame{policy: placeholder, topic: topic}}
		q.topics[topic] = t
	}
	return t
}

// place is where the lane has an older frame that this one may replace, nil if it has none.
func (t *topicQueue) older(f *Frame) **Frame {
	if number, ok := t.numbers[f.key]; ok && f.policy == Conflate {
		return &t.frames[number-t.shifted]
	}
	return nil
}

// replace puts a frame in the place of an older one, and returns by how much the bytes grew.
func (t *topicQueue) replace(at **Frame, f *Frame) (grown int) {
	grown = f.Size() - (*at).Size()
	*at = f
	t.bytes += grown
	return grown
}

// add puts a frame behind all.
func (t *topicQueue) add(f *Frame) {
	if f.policy == Conflate {
		if t.numbers == nil {
			t.numbers = map[uint64]int{}
		}
		t.numbers[f.key] = t.shifted + len(t.frames)
	}
	t.frames = append(t.frames, f)
	t.bytes += f.Size()
}

// shift takes the oldest frame out.
func (t *topicQueue) shift() *Frame {
	f := t.frames[0]
	if f.policy == Conflate && t.numbers[f.key] == t.shifted {
		delete(t.numbers, f.key)
	}
	t.frames[0] = nil
	t.frames = t.frames[1:]
	t.shifted++
	t.bytes -= f.Size()
	return f
}

// squeeze queues a frame, for which older ones of its topic may make room; false if there is no room even so. max are the
// bounds for all that waits.
func (q *lossyQueue) makeRoom(f *Frame, max Limits) bool {
	t, share := q.topic(f.topic), max.share(DropOldest)
	switch at := t.older(f); {
	case at != nil && q.weight.bytes+f.Size()-(*at).Size() <= max.Bytes: // what is newest goes beyond the share, not beyond the bound
		q.weight.bytes += t.replace(at, f)
	case q.fits(t, f, share):
		q.enqueue(t, f, share)
	default:
		q.forgetIfEmpty(t)
		return false
	}
	return true
}

// fits reports whether there is room for a frame if all others of its lane make room.
func (q *lossyQueue) fits(t *topicQueue, f *Frame, share Limits) bool {
	others := q.weight.frames - len(t.frames)
	return others == 0 || !share.exceeded(others+1, q.weight.bytes-t.bytes+f.Size())
}

// enlist queues a frame of a lane, and drops the oldest ones for it that there is no room for.
func (q *lossyQueue) enqueue(t *topicQueue, f *Frame, share Limits) {
	for len(t.frames) > 0 && share.exceeded(q.weight.frames+1, q.weight.bytes+f.Size()) {
		q.drop(t)
	}
	q.weight.add(1, f.Size())
	t.add(f)
	q.fifo.push(&t.placeholder)
	q.dropStalePlaceholders()
}

// thin drops all but the newest frame of each lane, and all but the newest of each key.
func (q *lossyQueue) shed() {
	for _, t := range q.topics {
		for len(t.frames) > 1 && t.frames[0].policy == DropOldest {
			q.drop(t)
		}
	}
}

// drop takes the oldest frame of a lane out.
func (q *lossyQueue) drop(t *topicQueue) {
	q.countDropped(t, t.shift())
}

// gone counts a frame off that gave way, and its ticket, which stands for nothing now.
func (q *lossyQueue) countDropped(t *topicQueue, f *Frame) {
	q.weight.add(-1, -f.Size())
	t.stale++
	q.stale++
}

// sweep takes the tickets that stand for nothing out of the line, when they are more than what waits: a reader that does
// not read at all never comes to them.
func (q *lossyQueue) dropStalePlaceholders() {
	if q.stale <= q.weight.frames+cap(chunk{}.frames) {
		return
	}
	q.fifo.refill(nil, func(f *Frame) bool { return f.policy != placeholder || !q.dropStalePlaceholder(q.topics[f.topic]) })
}

// burn takes one ticket that stands for nothing off the count; false if the lane has none.
func (q *lossyQueue) dropStalePlaceholder(t *topicQueue) bool {
	if t.stale == 0 {
		return false
	}
	t.stale--
	q.stale--
	q.forgetIfEmpty(t)
	return true
}

// tidy forgets a lane for which nothing waits: of topics there may be many, and a slow reader's line may never be empty.
func (q *lossyQueue) forgetIfEmpty(t *topicQueue) {
	if len(t.frames) == 0 && t.stale == 0 {
		delete(q.topics, t.placeholder.topic)
	}
}

// sort puts a waiting frame into its lane, if that is where it belongs, and returns what stands in the line from now on.
func (q *lossyQueue) moveIn(f *Frame) *Frame {
	if f.policy != DropOldest && f.policy != Conflate {
		return f
	}
	t := q.topic(f.topic)
	if older := t.older(f); older != nil {
		q.countDropped(t, *older)
		t.replace(older, f)
	} else {
		t.add(f)
	}
	return &t.placeholder
}

// front is the next frame in the line, or what the ticket in front stands for; nil if there is none. It takes out the
// tickets before it that stand for nothing.
func (q *lossyQueue) front() *Frame {
	for {
		f := q.fifo.front()
		if f == nil || f.policy != placeholder {
			return f
		}
		t := q.topics[f.topic]
		if !q.dropStalePlaceholder(t) { // else what was dropped was in front
			return t.frames[0]
		}
		q.fifo.pop()
	}
}

// redeem takes out what a ticket stands for, which front has found.
func (q *lossyQueue) popFrame(mark *Frame) {
	t := q.topics[mark.topic]
	t.shift()
	q.forgetIfEmpty(t)
}
