package websocket

import (
	"testing"

	"github.com/parley-realtime/parley/actors/outbox"
)

// drained takes all sockets of a queue, a few at a time as writers do.
func drained(q *readyQueue) (all []*socket) {
	for q.length > 0 {
		all = append(all, q.dequeue(nil)...)
	}
	return all
}

// DESIGN.md section 8, promise 6: however many sockets of one tenant are scheduled, a socket of another tenant waits
// for one of them at most.
func TestReadyQueue_TenantsTakeTurnsAndEachOnesSocketsKeepTheirOrder(t *testing.T) {
	q, noisy, quiet := newReadyQueue(), &outbox.Backpressure{}, &outbox.Backpressure{}
	var first, second []*socket
	for range 1000 {
		s := &socket{tenant: noisy}
		first = append(first, s)
		q.enqueue(s)
	}
	for range 3 {
		s := &socket{tenant: quiet}
		second = append(second, s)
		q.enqueue(s)
	}
	newcomer := &socket{} // its tenant is not known yet
	q.enqueue(newcomer)
	got := drained(q)
	if len(got) != 1004 || q.first != nil || q.last != nil {
		t.Fatalf("%d came out", len(got))
	}
	seen := map[*outbox.Backpressure]int{}
	for i, s := range got {
		of := map[*outbox.Backpressure][]*socket{noisy: first, quiet: second, nil: {newcomer}}[s.tenant]
		if s != of[seen[s.tenant]] {
			t.Fatalf("number %d is out of order", i)
		}
		seen[s.tenant]++
	}
	for i, s := range second {
		if got[1+3*i] != s && got[1+2*i] != s && got[2+2*i] != s {
			t.Errorf("the quiet tenant's socket %d had to wait", i)
		}
	}
	if got[2] != newcomer {
		t.Error("a newcomer had to wait")
	}
}

func TestReadyQueue_TenantQueuesAreReusedAndBounded(t *testing.T) {
	q, s := newReadyQueue(), &socket{tenant: &outbox.Backpressure{}}
	room := make([]*socket, 0, 1)
	pass := func() {
		q.enqueue(s)
		q.dequeue(room)
	}
	pass()
	if got := testing.AllocsPerRun(100, pass); got != 0 {
		t.Errorf("%v allocations for one pass", got)
	}
	for range 3 * maxTenantQueues {
		q.enqueue(&socket{tenant: &outbox.Backpressure{}})
		drained(q)
	}
	if len(q.tenants) > maxTenantQueues {
		t.Errorf("%d tenant queues are kept", len(q.tenants))
	}
}
