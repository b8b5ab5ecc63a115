package outbox

import (
	"sync"
	"time"
)

// Delay wakes the transports of outboxes some time after the first event that waits in each of them, so that events of
// many topics leave in one write. All have the same delay, so they wait in a queue, and one timer serves all. An outbox
// is in the queue at most once: if its transport was woken earlier by something else, the events that come then wait
// for less than the delay. The zero Delay flushes at once; many goroutines may use it.
type Delay struct {
	After time.Duration // static

	mu     sync.Mutex
	queue  []delayedOutbox // by due; those before next were served
	next   int
	timer  *time.Timer // calls serve; nil before the first outbox
	active bool        // the timer runs, or serve does
}

// delayedOutbox is an outbox and when its transport is to be woken.
type delayedOutbox struct {
	outbox *Outbox
	due    time.Time
}

// add puts an outbox into the queue.
func (d *Delay) add(o *Outbox) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue = append(d.queue, delayedOutbox{o, time.Now().Add(d.After)})
	if d.active {
		return
	}
	d.active = true
	if d.timer == nil {
		d.timer = time.AfterFunc(d.After, d.serve)
	} else {
		d.timer.Reset(d.After)
	}
}

// serveAtOnce is how many outboxes are taken from the queue under one lock.
const serveAtOnce = 64

// serve wakes the transports that are due, and those that are due within a sixteenth of the delay: the timer need not
// fire for each.
func (d *Delay) serve() {
	var due [serveAtOnce]*Outbox
	for {
		n := d.take(due[:])
		if n == 0 {
			return
		}
		for _, o := range due[:n] {
			flush(o, true)
		}
	}
}

// take takes outboxes that are due from the queue. If there are none it starts the timer for the next, and returns 0.
func (d *Delay) take(into []*Outbox) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.compact()
	now := time.Now()
	until := now.Add(d.After / 16)
	for n < len(into) && d.next < len(d.queue) && !d.queue[d.next].due.After(until) {
		into[n] = d.queue[d.next].outbox
		d.queue[d.next] = delayedOutbox{}
		d.next++
		n++
	}
	switch {
	case n > 0:
	case d.next == len(d.queue):
		d.active = false
		if d.next = 0; cap(d.queue) > 4*serveAtOnce {
			d.queue = nil
		} else {
			d.queue = d.queue[:0]
		}
	default:
		d.timer.Reset(d.queue[d.next].due.Sub(now))
	}
	return n
}

// compact moves the queue to the front of its array if more than half of it was served.
func (d *Delay) compact() {
	if d.next <= len(d.queue)/2 {
		return
	}
	left := copy(d.queue, d.queue[d.next:])
	clear(d.queue[left:])
	d.queue, d.next = d.queue[:left], 0
}
