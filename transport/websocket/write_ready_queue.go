package websocket

import (
	"sync"

	"github.com/parley-realtime/parley/actors/outbox"
)

const (
	// atOnce is how many sockets a worker takes; those that it has not come to wait with it if the kernel takes its processor away.
	atOnce = 16

	// workersPerLine is how many workers share a line: enough for one that is held up to hold up nobody, too few to fight for it.
	workersPerLine = 4
)

// line is where sockets whose turn is due stand until a worker is free. Workers share it, so that what one of them has not come to
// when the kernel takes its processor away does not wait for it.
//
// Each tenant's sockets stand in a row of their own, and the rows take turns, one socket each: a tenant with 10,000 sockets that are
// due is not in front of another one's only socket.
type line struct {
	workers int // fixed before any socket is in it

	mu          sync.Mutex
	waiting     sync.Cond // a worker waits for sockets
	rows        map[*outbox.Backpressure]*row
	recent      *row // where a socket was put last; nil if that is forgotten
	first, last *row // those in which somebody stands, in the order of their turns
	length      int  // of all rows
	idle        int  // workers that wait, and were not woken yet
	stopped     bool
}

// maxRows is from how many rows on an empty one is forgotten. To make one anew takes an allocation.
const maxRows = 1024

func newLine() *line {
	l := &line{rows: map[*outbox.Backpressure]*row{}}
	l.waiting.L = &l.mu
	return l
}

// row is where a socket stands. The caller holds the lock, here and below.
func (l *line) row(s *socket) *row {
	if l.recent != nil && l.recent.tenant == s.tenant { // as a rule
		return l.recent
	}
	r := l.rows[s.tenant]
	if r == nil {
		r = &row{tenant: s.tenant}
		l.rows[s.tenant] = r
	}
	l.recent = r
	return r
}

// push puts a row behind the others.
func (l *line) push(r *row) {
	if l.last == nil {
		l.first = r
	} else {
		l.last.next = r
	}
	l.last = r
}

// pop takes the socket whose turn it is.
func (l *line) pop() *socket {
	r := l.first
	if l.first, r.next = r.next, nil; l.first == nil {
		l.last = nil
	}
	s := r.take()
	l.length--
	switch {
	case r.head != nil:
		l.push(r)
	case len(l.rows) > maxRows:
		delete(l.rows, r.tenant)
		l.recent = nil
	}
	return s
}

// enqueue adds a socket. A worker is woken for it if none is at work, or if there is more than those at work take at once.
func (l *line) enqueue(s *socket) {
	l.mu.Lock()
	r := l.row(s)
	if r.head == nil {
		l.push(r)
	}
	r.add(s)
	l.length++
	wake := l.idle > 0 && (l.idle == l.workers || l.length > atOnce)
	if wake {
		l.idle--
	}
	l.mu.Unlock()
	if wake {
		l.waiting.Signal()
	}
}

// dequeue waits for sockets and takes the first few. None is the end.
func (l *line) dequeue(into []*socket) []*socket {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.first == nil && !l.stopped {
		l.idle++
		l.waiting.Wait()
	}
	if l.stopped {
		return nil
	}
	for l.first != nil && len(into) < atOnce {
		into = append(into, l.pop())
	}
	return into
}

// stop ends the workers. Sockets that are woken after it stay unwritten.
func (l *line) stop() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	l.waiting.Broadcast()
}
