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

func (l *fifo) empty() bool { return l.first == nil && l.last == nil }

// front is the oldest, nil if there is none.
func (l *fifo) front() *Frame {
	if l.first != nil || l.last == nil {
		return l.first
	}
	c := l.last.next
	return c.frames[c.from]
}

func (l *fifo) push(f *Frame) {
	if l.first == nil && l.last == nil {
		l.first = f
		return
	}
	if l.last == nil || l.last.to == len(l.last.frames) {
		l.grow()
	}
	l.last.frames[l.last.to] = f
	l.last.to++
}

// grow adds a chunk behind the last.
func (l *fifo) grow() {
	c := chunks.Get().(*chunk)
	c.next, c.from, c.to = c, 0, 0
	if l.last != nil {
		c.next, l.last.next = l.last.next, c
	}
	l.last = c
}

// pop takes the oldest out; nil if there is none.
func (l *fifo) pop() *Frame {
	if f := l.first; f != nil {
		l.first = nil
		return f
	}
	if l.last == nil {
		return nil
	}
	c := l.last.next
	f := c.frames[c.from]
	c.frames[c.from] = nil
	if c.from++; c.from == c.to {
		l.shrink()
	}
	return f
}

// shrink gives the oldest chunk back, which is empty.
func (l *fifo) shrink() {
	c := l.last.next
	if l.last.next = c.next; c == l.last {
		l.last = nil
	}
	c.next = nil
	chunks.Put(c)
}

// refill puts frames into the line, and behind them those that were in it, if they are to be kept.
func (l *fifo) refill(frames []*Frame, kept func(*Frame) bool) {
	old := *l
	*l = fifo{}
	for _, f := range frames {
		l.push(f)
	}
	for f := old.pop(); f != nil; f = old.pop() {
		if kept(f) {
			l.push(f)
		}
	}
}

// rewrite puts another frame, or the same, in the place of each, from the oldest.
func (l *fifo) rewrite(other func(*Frame) *Frame) {
	if l.first != nil {
		l.first = other(l.first)
	}
	if l.last == nil {
		return
	}
	for c := l.last.next; ; c = c.next {
		for i := c.from; i < c.to; i++ {
			c.frames[i] = other(c.frames[i])
		}
		if c == l.last {
			return
		}
	}
}
