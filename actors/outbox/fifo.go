package outbox

import "sync"

// fifo holds frames that wait, oldest first. It has no bound and no lock of its own, and holds no buffer when it is
// empty. It has only 16 bytes, since an offer touches them: it points to the newest chunk alone, which points to the
// oldest.
type fifo struct {
	first *Frame // the oldest, when only one waits: the common case needs no chunk
	last  *chunk // the newest chunk of the rest, which form a ring; nil when empty
}

// chunk is a part of a fifo. Chunks come from a pool, so a fifo that fills and empties allocates nothing.
type chunk struct {
	next     *chunk // the next newer one; the newest points to the oldest
	from, to int
	frames   [30]*Frame
}

// chunks are those that no fifo uses; they hold no frame.
var chunks = sync.Pool{New: func() any { return new(chunk) }}

func (q *fifo) empty() bool { return q.first == nil && q.last == nil }

// front returns the oldest frame, nil if there is none.
func (q *fifo) front() *Frame {
	if q.first != nil || q.last == nil {
		return q.first
	}
	c := q.last.next
	return c.frames[c.from]
}

// push puts a frame behind all others.
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

// grow adds an empty chunk behind the newest.
func (q *fifo) grow() {
	c := chunks.Get().(*chunk)
	c.next, c.from, c.to = c, 0, 0
	if q.last != nil {
		c.next, q.last.next = q.last.next, c
	}
	q.last = c
}

// pop takes out the oldest frame; nil if there is none.
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

// shrink gives the oldest chunk, which is empty, back to the pool.
func (q *fifo) shrink() {
	c := q.last.next
	if q.last.next = c.next; c == q.last {
		q.last = nil
	}
	c.next = nil
	chunks.Put(c)
}

// refill puts frames ahead of those that wait, of which it drops those for which keep is false.
func (q *fifo) refill(frames []*Frame, keep func(*Frame) bool) {
	old := *q
	*q = fifo{}
	for _, f := range frames {
		q.push(f)
	}
	for f := old.pop(); f != nil; f = old.pop() {
		if keep(f) {
			q.push(f)
		}
	}
}

// rewrite puts other(f) in the place of each frame f, from the oldest on.
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
