package websocket

import (
	"sync"

	"github.com/parley-realtime/parley/actors/outbox"
)

// row are the sockets of one tenant that stand in a line; those whose tenant is not known yet are in one, too. They stand on benches
// and are not linked to each other, so that a worker that takes them need not touch one to find the next: each is cold memory.
type row struct {
	tenant     *outbox.Backpressure
	head, tail *bench // in the order in which they came; nil when nobody stands here
	next       *row   // whose turn is next
}

// bench is a piece of a row. Benches come from a pool, so that a row that fills and empties allocates nothing.
type bench struct {
	next     *bench
	from, to int32
	sockets  [61]*socket
}

var benches = sync.Pool{New: func() any { return new(bench) }}

// add puts a socket at the end.
func (r *row) add(s *socket) {
	if r.tail == nil || int(r.tail.to) == len(r.tail.sockets) {
		b := benches.Get().(*bench)
		b.next, b.from, b.to = nil, 0, 0
		if r.tail == nil {
			r.head = b
		} else {
			r.tail.next = b
		}
		r.tail = b
	}
	r.tail.sockets[r.tail.to] = s
	r.tail.to++
}

// take takes the first socket out; there is one.
func (r *row) take() *socket {
	b := r.head
	s := b.sockets[b.from]
	b.sockets[b.from] = nil
	if b.from++; b.from == b.to {
		if r.head = b.next; r.head == nil {
			r.tail = nil
		}
		b.next = nil
		benches.Put(b)
	}
	return s
}
