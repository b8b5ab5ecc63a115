package webhook

// event is an event that waits.
type event struct {
	epoch  string
	number uint64
	text   []byte
}

// eventSize is what an event counts in addition to its text, in bytes.
const eventSize = 64

func (e *event) size() int { return len(e.text) + eventSize }

// queue holds events in the order of their numbers. A full queue drops its oldest event. Its owner guards it.
type queue struct {
	maxEvents, maxBytes int
	events              []event // from head on
	head                int
	bytes               int

	// last is the event that was taken last; it has only epoch and number.
	last event
}

func (q *queue) len() int { return len(q.events) - q.head }

// push appends an event and returns how many it had to drop for that.
func (q *queue) push(e event) (lost int) {
	for q.len() > 0 && (q.len() >= q.maxEvents || q.bytes+e.size() > q.maxBytes) {
		q.pop()
		lost++
	}
	if q.head > 64 && q.head > len(q.events)/2 { // so each event is moved once, on average
		kept := copy(q.events, q.events[q.head:])
		clear(q.events[kept:])
		q.events, q.head = q.events[:kept], 0
	}
	q.events = append(q.events, e)
	q.bytes += e.size()
	return lost
}

func (q *queue) pop() event {
	e := q.events[q.head]
	q.events[q.head] = event{}
	q.head++
	q.bytes -= e.size()
	if q.head == len(q.events) { // an empty queue keeps nothing
		q.events, q.head = nil, 0
	}
	return e
}

// take returns the oldest events of one epoch, at most limit, and how many are missing between the event that was taken
// last and the newest of these.
func (q *queue) take(limit int) (batch []event, lost uint64) {
	bytes := 0
	for q.len() > 0 && len(batch) < limit {
		next := &q.events[q.head]
		if len(batch) > 0 && (next.epoch != batch[0].epoch || bytes+next.size() > maxBody) {
			break
		}
		bytes += next.size()
		batch = append(batch, q.pop())
	}
	if len(batch) == 0 {
		return nil, 0
	}
	before := uint64(0)
	newest := batch[len(batch)-1]
	if newest.epoch == q.last.epoch {
		before = q.last.number
	}
	q.last = event{epoch: newest.epoch, number: newest.number}
	return batch, newest.number - before - uint64(len(batch))
}
