package websocket

import (
	"sync"

	"github.com/parley-realtime/parley/actors/outbox"
)

// tenantQueue holds the scheduled sockets of one tenant, first in, first out; sockets whose tenant is not known yet
// share one. It is a list of chunks and not of sockets, so that a writer takes a socket without touching it: each is
// cold memory.
type tenantQueue struct {
	tenant     *outbox.Backpressure
	head, tail *chunk       // nil when the queue is empty
	next       *tenantQueue // the next one that the readyQueue serves
}

// chunk is a piece of a tenantQueue. Chunks are pooled, so that a queue that fills and empties allocates nothing.
type chunk struct {
	next     *chunk
	from, to int32
	sockets  [61]*socket
}

var chunks = sync.Pool{New: func() any { return new(chunk) }}

// push adds a socket at the end.
func (t *tenantQueue) push(s *socket) {
	if t.tail == nil || int(t.tail.to) == len(t.tail.sockets) {
		c := chunks.Get().(*chunk)
		c.next, c.from, c.to = nil, 0, 0
		if t.tail == nil {
			t.head = c
		} else {
			t.tail.next = c
		}
		t.tail = c
	}
	t.tail.sockets[t.tail.to] = s
	t.tail.to++
}

// pop takes the first socket; there is one.
func (t *tenantQueue) pop() *socket {
	c := t.head
	s := c.sockets[c.from]
	c.sockets[c.from] = nil
	if c.from++; c.from == c.to {
		if t.head = c.next; t.head == nil {
			t.tail = nil
		}
		c.next = nil
		chunks.Put(c)
	}
	return s
}
