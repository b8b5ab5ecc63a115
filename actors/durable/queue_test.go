package durable

import (
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

// A full queue refuses, at once, and what it has taken is answered.
func TestQueue_IsBoundedInCountAndBytes(t *testing.T) {
	for name, size := range map[string]int{"count": 10, "bytes": 1 << 20} {
		q := newQueue()
		taken := 0
		for q.put(request{operation: make([]byte, size)}) == nil {
			taken++
		}
		if want := min(queueCount, queueBytes/size); taken != want {
			t.Errorf("%s: %d are taken, want %d", name, taken, want)
		}
		refusal := protocol.AsRefusal(q.put(request{operation: make([]byte, size)}))
		if refusal.Reason != protocol.Busy || refusal.RetryAfter == 0 {
			t.Errorf("%s: %+v", name, refusal)
		}
		for left := taken; left > 0; {
			batch := q.take(nil)
			if len(batch) > batchCount || len(batch) > 1 && len(batch)*size > batchBytes || len(batch) == 0 {
				t.Fatalf("%s: a batch of %d", name, len(batch))
			}
			left -= len(batch)
		}
		if q.put(request{operation: make([]byte, 2*queueBytes)}) != nil { // an empty queue takes any
			t.Errorf("%s: a large one is refused", name)
		}
		q.close()
		if len(q.take(nil)) != 1 || len(q.take(nil)) != 0 {
			t.Errorf("%s: the end comes before what waits", name)
		}
		if refusal := protocol.AsRefusal(q.put(request{})); refusal.Reason != protocol.Draining {
			t.Errorf("%s: %+v", name, refusal)
		}
	}
}
