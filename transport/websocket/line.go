package websocket

import "sync"

const (
	// atOnce is how many sockets a worker takes. It lets others have its processor in between: what it does looks like computing to
	// the scheduler (see writeNow), which would otherwise let it go on for 10 ms while publishers wait.
	atOnce = 16

	// workersPerLine is how many workers share a line: enough for one that is held up to hold up nobody, too few to fight for it.
	workersPerLine = 4
)

// line is where sockets whose turn is due stand until a worker is free. Workers share it, so that what one of them has not come to
// when the kernel takes its processor away does not wait for it.
type line struct {
	workers int // fixed before any socket is in it

	mu         sync.Mutex
	waiting    sync.Cond // a worker waits for sockets
	head, tail *socket   // in the order in which they came
	length     int
	idle       int // workers that wait, and were not woken yet
	stopped    bool
}

func newLine() *line {
	l := &line{}
	l.waiting.L = &l.mu
	return l
}

// enqueue adds a socket. A worker is woken for it if none is at work, or if there is more than those at work take at once.
func (l *line) enqueue(s *socket) {
	l.mu.Lock()
	if l.tail == nil {
		l.head = s
	} else {
		l.tail.next = s
	}
	l.tail = s
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
	for l.head == nil && !l.stopped {
		l.idle++
		l.waiting.Wait()
	}
	if l.stopped {
		return nil
	}
	for l.head != nil && len(into) < atOnce {
		s := l.head
		l.head, s.next = s.next, nil
		into = append(into, s)
		l.length--
	}
	if l.head == nil {
		l.tail = nil
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
