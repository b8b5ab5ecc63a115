package mailbox

// queue is an unbounded FIFO of messages. A message that comes into an empty queue needs no ring, and an empty queue
// keeps none.
type queue struct {
	first any   // the oldest message, if it came while the queue was empty
	rest  *ring // nil while it is empty
}

// ring is a FIFO in a circular buffer that doubles when it is full.
type ring struct {
	slots []any
	from  int    // the slot of the oldest message
	n     int    // how many slots are in use
	few   [4]any // the slots to begin with
}

func (q *queue) len() int {
	n := 0
	if q.first != nil {
		n++
	}
	if q.rest != nil {
		n += q.rest.n
	}
	return n
}

func (q *queue) push(x any) {
	if q.rest == nil {
		if q.first == nil {
			q.first = x
			return
		}
		q.rest = &ring{}
		q.rest.slots = q.rest.few[:]
	}
	q.rest.push(x)
}

func (q *queue) pop() any {
	if x := q.first; x != nil {
		q.first = nil
		return x
	}
	x := q.rest.pop()
	if q.rest.n == 0 {
		q.rest = nil
	}
	return x
}

func (r *ring) push(x any) {
	if r.n == len(r.slots) {
		slots := make([]any, 2*len(r.slots))
		for i := range r.n {
			slots[i] = r.slots[(r.from+i)%len(r.slots)]
		}
		r.slots, r.from = slots, 0
		clear(r.few[:])
	}
	r.slots[(r.from+r.n)%len(r.slots)] = x
	r.n++
}

func (r *ring) pop() any {
	x := r.slots[r.from]
	r.slots[r.from] = nil
	r.from = (r.from + 1) % len(r.slots)
	r.n--
	return x
}
