package outbox

import "sync"

// line is frames that wait, oldest first. It has no bound and no lock of its own, and holds no buffer when it is empty.
// It is 16 bytes, since they belong to what an offer needs of an outbox: of the chunks it knows the newest alone, which
// knows the oldest.
type fifo struct {
	first *Frame // the oldest, when only one waits: the common case needs no chunk
	last  *chunk // the newest of the rest, which are a ring; nil when empty
}

// chunk is a piece of a line. Chunks come from a pool, so a line that fills and empties allocates nothing.
type chunk struct {
	next     *chunk // the newer one; of the newest, the oldest
	from, to int
	frames   [30]*Frame
}

var chunks = sync.Pool{New: func() any { return new(chunk) }}

func (q *fifo) empty() bool { return q.first == nil && q.last == nil }

// front is the oldest, nil if there is none.
func (q *fifo) front() *Frame {
	if q.first != nil || q.last == nil {
		return q.first
	}
	c := q.last.next
	return c.frames[c.from]
}

func (q *fifo) push(f *Frame) {
	if q.first == nil && q.last == nil {
		q.first = f
		return
	}
	if q.last == nil || q.last.to == len(q.last.frames) {
		q.grow()
	}
	q.last.frames[q.last.to] = f
	q.last.to++
}

// grow adds a chunk behind the last.
func (q *fifo) grow() {
	c := chunks.Get().(*chunk)
	c.next, c.from, c.to = c, 0, 0
	if q.last != nil {
		c.next, q.last.next = q.last.next, c
	}
	q.last = c
}

// pop takes the oldest out; nil if there is none.
func (q *fifo) pop() *Frame {
	if f := q.first; f != nil {
		q.first = nil
		return f
	}
	if q.last == nil {
		return nil
	}
	c := q.last.next
	f := c.frames[c.from]
	c.frames[c.from] = nil
	if c.from++; c.from == c.to {
		q.shrink()
	}
	return f
}

// shrink gives the oldest chunk back, which is empty.
func (q *fifo) shrink() {
	c := q.last.next
	if q.last.next = c.next; c == q.last {
		q.last = nil
	}
	c.next = nil
	chunks.Put(c)
}

// refill puts frames into the line, and behind them those that were in it, if they are to be kept.
func (q *fifo) refill(frames []*Frame, kept func(*Frame) bool) {
	old := *q
	*q = fifo{}
	for _, f := range frames {
		q.push(f)
	}
	for f := old.pop(); f != nil; f = old.pop() {
		if kept(f) {
			q.push(f)
		}
	}
}

// rewrite puts another frame, or the same, in the place of each, from the oldest.
func (q *fifo) rewrite(other func(*Frame) *Frame) {
	if q.first != nil {
		q.first = other(q.first)
	}
	if q.last == nil {
		return
	}
	for c := q.last.next; ; c = c.next {
		for i := c.from; i < c.to; i++ {
			c.frames[i] = other(c.frames[i])
		}
		if c == q.last {
			return
		}
	}
}
