package entry

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/cluster/message"
)

// sent records what a queue sends, as "home term: number after the one before it, oldest".
type sent []string

func (s *sent) send(to message.Node, m *message.Message) {
	*s = append(*s, fmt.Sprintf("%d.%d: %d after %d, oldest %d", to, m.Term, m.Number, m.Count, m.Offset))
}

func (s *sent) take(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(*s, want) {
		t.Errorf("sent %q, want %q", *s, want)
	}
	*s = nil
}

func publishOne(t *testing.T, q *Queue, deadline time.Duration) uint64 {
	t.Helper()
	n, err := q.Publish("rooms/7", []byte("{}"), deadline)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestQueue_WaitsForAHomeAndSendsAllAgainToTheNext(t *testing.T) {
	var out sent
	q := NewQueue(3, out.send)
	publishOne(t, q, time.Second)
	publishOne(t, q, time.Second)
	out.take(t)
	q.Leads(2, 5)
	out.take(t, "2.5: 1 after 0, oldest 1", "2.5: 2 after 1, oldest 1")
	publishOne(t, q, time.Second)
	out.take(t, "2.5: 3 after 2, oldest 1")
	if !q.Answer(1) || q.Answer(1) {
		t.Error("an answer counts once")
	}
	q.Leads(1, 6)
	out.take(t, "1.6: 2 after 0, oldest 2", "1.6: 3 after 2, oldest 2")
	q.Leads(2, 5)
	out.take(t)
}

func TestQueue_APublishThatWaitedTooLongIsGivenUp(t *testing.T) {
	var out sent
	q := NewQueue(3, out.send)
	publishOne(t, q, 2*time.Second)
	publishOne(t, q, time.Second)
	publishOne(t, q, 3*time.Second)
	if got := q.Expire(time.Second); !slices.Equal(got, []uint64{2}) {
		t.Errorf("gave up %v", got)
	}
	q.Leads(1, 1)
	out.take(t, "1.1: 1 after 0, oldest 1", "1.1: 3 after 1, oldest 1")
	if got := q.Expire(time.Hour); !slices.Equal(got, []uint64{1, 3}) || q.bytes != 0 {
		t.Errorf("gave up %v, %d bytes are left", got, q.bytes)
	}
}

func TestQueue_TheNextPublishToAFullQueueIsRefused(t *testing.T) {
	var out sent
	q := NewQueue(3, out.send)
	for range MaxWaiting {
		publishOne(t, q, 0)
	}
	if _, err := q.Publish("rooms/7", nil, 0); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	q.Expire(0)
	if _, err := q.Publish("rooms/7", make([]byte, MaxBytes), 0); err != nil {
		t.Error(err)
	}
	if _, err := q.Publish("rooms/7", make([]byte, 1), 0); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
}

func TestQueue_APublishWithoutAnAnswerBoundsThoseAfterIt(t *testing.T) {
	var out sent
	q := NewQueue(3, out.send)
	publishOne(t, q, time.Hour)
	for range maxSpan + 1 {
		n, err := q.Publish("rooms/7", nil, time.Hour)
		if errors.Is(err, ErrFull) {
			return
		}
		q.Answer(n)
	}
	t.Error("the home has to keep more answers than it can")
}
