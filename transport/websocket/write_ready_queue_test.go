package websocket

import (
	"testing"

	"github.com/parley-realtime/parley/actors/outbox"
)

// drained takes all that stand in a line, a few at a time as workers do.
func drained(l *readyQueue) (all []*socket) {
	for l.length > 0 {
		all = append(all, l.dequeue(nil)...)
	}
	return all
}

// DESIGN.md section 8, promise 6: however many sockets of a tenant are due, another one's wait for one turn of each.
func TestReadyQueue_TenantsTakeTurnsAndEachOnesSocketsKeepTheirOrder(t *testing.T) {
	l, noisy, quiet := newReadyQueue(), &outbox.Backpressure{}, &outbox.Backpressure{}
	var first, second []*socket
	for range 1000 {
		s := &socket{tenant: noisy}
		first = append(first, s)
		l.enqueue(s)
	}
	for range 3 {
		s := &socket{tenant: quiet}
		second = append(second, s)
		l.enqueue(s)
	}
	newcomer := &socket{} // nobody knows whose
	l.enqueue(newcomer)
	got := drained(l)
	if len(got) != 1004 || l.first != nil || l.last != nil {
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
	l, s := newReadyQueue(), &socket{tenant: &outbox.Backpressure{}}
	room := make([]*socket, 0, 1)
	pass := func() {
		l.enqueue(s)
		l.dequeue(room)
	}
	pass()
	if got := testing.AllocsPerRun(100, pass); got != 0 {
		t.Errorf("%v allocations for one pass", got)
	}
	for range 3 * maxTenantQueues {
		l.enqueue(&socket{tenant: &outbox.Backpressure{}})
		drained(l)
	}
	if len(l.tenants) > maxTenantQueues {
		t.Errorf("%d rows are kept", len(l.tenants))
	}
}
