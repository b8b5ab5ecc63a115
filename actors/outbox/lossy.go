package outbox

// lossyQueue holds the waiting frames whose policy lets them be dropped. An outbox makes it when its reader falls
// behind: it moves these frames out of the fifo into topic queues, one for each topic, and leaves a placeholder for
// each frame in the fifo. A placeholder stands for the oldest frame of its topic queue. So a frame is dropped or
// replaced without a search, and all that is not replaced keeps its order: a dropped frame leaves a stale placeholder,
// and the stale ones of a topic are the first in the fifo. A reader that keeps up has none of this.
type lossyQueue struct {
	topics map[uint32]*topicQueue // by hash of the topic
	stale  int                    // stale placeholders of all topic queues
	fifo   *fifo                  // static: the outbox's, where placeholders wait among other frames
	weight *weight                // static: that of all that waits in the outbox, lossy or not
}

// topicQueue holds the waiting frames of one topic.
type topicQueue struct {
	placeholder Frame    // stands in the fifo once for each frame
	frames      []*Frame // oldest first
	bytes       int
	shifted     int            // how many frames left in front: frames[i] has the number shifted+i
	numbers     map[uint64]int // by key: the number of the frame that a newer one may replace
	stale       int            // placeholders in the fifo that stand for no frame, since it was dropped
}

// newLossyQueue moves the frames of a fifo that may be dropped into topic queues.
func newLossyQueue(waiting *fifo, w *weight) *lossyQueue {
	q := &lossyQueue{topics: map[uint32]*topicQueue{}, fifo: waiting, weight: w}
	waiting.rewrite(q.moveIn)
	return q
}

// topic returns the queue of a topic; it makes one if there is none.
func (q *lossyQueue) topic(topic uint32) *topicQueue {
	t := q.topics[topic]
	if t == nil {
		t = &topicQueue{placeholder: Frame{policy: placeholder, topic: topic}}
		q.topics[topic] = t
	}
	return t
}

// older returns where an older frame stands that f may replace, nil if there is none.
func (t *topicQueue) older(f *Frame) **Frame {
	if number, ok := t.numbers[f.key]; ok && f.policy == Conflate {
		return &t.frames[number-t.shifted]
	}
	return nil
}

// replace puts f in the place of an older frame, and returns by how many bytes the queue grew.
func (t *topicQueue) replace(at **Frame, f *Frame) (grown int) {
	grown = f.Size() - (*at).Size()
	*at = f
	t.bytes += grown
	return grown
}

// add puts a frame behind all others.
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

// shift takes out the oldest frame.
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

// makeRoom queues a frame, for which older ones of its topic may make room; false if there is no room even so. max
// limits all that waits in the outbox. A frame that replaces the older one of its key may exceed the share of lossy
// frames, but not max.
func (q *lossyQueue) makeRoom(f *Frame, max Limits) bool {
	t, share := q.topic(f.topic), max.share(DropOldest)
	switch at := t.older(f); {
	case at != nil && q.weight.bytes+f.Size()-(*at).Size() <= max.Bytes:
		q.weight.bytes += t.replace(at, f)
	case q.fits(t, f, share):
		q.enqueue(t, f, share)
	default:
		q.forgetIfEmpty(t)
		return false
	}
	return true
}

// fits reports whether there is room for a frame if all others of its topic make room.
func (q *lossyQueue) fits(t *topicQueue, f *Frame, share Limits) bool {
	others := q.weight.frames - len(t.frames)
	return others == 0 || !share.exceeded(others+1, q.weight.bytes-t.bytes+f.Size())
}

// enqueue queues a frame of a topic, and drops the topic's oldest ones until there is room.
func (q *lossyQueue) enqueue(t *topicQueue, f *Frame, share Limits) {
	for len(t.frames) > 0 && share.exceeded(q.weight.frames+1, q.weight.bytes+f.Size()) {
		q.drop(t)
	}
	q.weight.add(1, f.Size())
	t.add(f)
	q.fifo.push(&t.placeholder)
	q.dropStalePlaceholders()
}

// shed drops all but the newest frame of each topic whose policy is DropOldest. Of a topic with Conflate only the
// newest of each key is here anyway.
func (q *lossyQueue) shed() {
	for _, t := range q.topics {
		for len(t.frames) > 1 && t.frames[0].policy == DropOldest {
			q.drop(t)
		}
	}
}

// drop drops the oldest frame of a topic.
func (q *lossyQueue) drop(t *topicQueue) {
	q.countDropped(t, t.shift())
}

// countDropped takes a dropped frame off the weight, and counts its placeholder as stale.
func (q *lossyQueue) countDropped(t *topicQueue, f *Frame) {
	q.weight.add(-1, -f.Size())
	t.stale++
	q.stale++
}

// dropStalePlaceholders takes stale placeholders out of the fifo when they are more than the frames that wait: a reader
// that does not read at all never comes to them.
func (q *lossyQueue) dropStalePlaceholders() {
	if q.stale <= q.weight.frames+cap(chunk{}.frames) {
		return
	}
	q.fifo.refill(nil, func(f *Frame) bool {
		return f.policy != placeholder || !q.dropStalePlaceholder(q.topics[f.topic])
	})
}

// dropStalePlaceholder takes one stale placeholder of a topic off the count; false if there is none.
func (q *lossyQueue) dropStalePlaceholder(t *topicQueue) bool {
	if t.stale == 0 {
		return false
	}
	t.stale--
	q.stale--
	q.forgetIfEmpty(t)
	return true
}

// forgetIfEmpty forgets a topic for which nothing waits: there may be many topics, and a slow reader's fifo may never
// be empty.
func (q *lossyQueue) forgetIfEmpty(t *topicQueue) {
	if len(t.frames) == 0 && t.stale == 0 {
		delete(q.topics, t.placeholder.topic)
	}
}

// moveIn moves a frame of the fifo into its topic queue if its policy is lossy, and returns what stands in the fifo
// instead.
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

// front returns the next frame of the fifo, or the one that the placeholder in front stands for; nil if there is none.
// It takes out the stale placeholders before it.
func (q *lossyQueue) front() *Frame {
	for {
		f := q.fifo.front()
		if f == nil || f.policy != placeholder {
			return f
		}
		t := q.topics[f.topic]
		if !q.dropStalePlaceholder(t) {
			return t.frames[0]
		}
		q.fifo.pop()
	}
}

// popFrame takes out the frame that front found for a placeholder, which the caller took out of the fifo.
func (q *lossyQueue) popFrame(placeholder *Frame) {
	t := q.topics[placeholder.topic]
	t.shift()
	q.forgetIfEmpty(t)
}
