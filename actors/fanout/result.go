package fanout

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

// Receipt is the answer to a publish.
type Receipt struct {
	// ID is the event's id, made here if the publisher gave none.
	ID string
	// Topic and Position are set for an event that went to a topic.
	Topic    string
	Position protocol.Position
	// Duplicate says that the id was seen before in the dedup window; the rest is the first publish's answer.
	Duplicate bool
	// Delivered is how many connections got it into their outbox.
	Delivered int
}

// Result is the outcome of a delivery, which the publisher waits for. Many goroutines may use it at once. Dedup windows
// keep it, so it holds on to nothing large.
type Result struct {
	delivered atomic.Int64
	pending   atomic.Int32 // actors that have not answered yet

	mu       sync.Mutex    // guards these
	done     chan struct{} // closed by the last answer; nil if nobody waits
	topic    string
	position protocol.Position
	err      *protocol.Refusal
	first    *Result // of the delivery that this one repeats
	stored   bool    // this one repeats an event that only the store knows
}

// newResult makes a result that so many actors will answer.
func newResult(actors int) *Result {
	r := &Result{}
	r.pending.Store(int32(actors))
	return r
}

// Done reports whether all actors have answered.
func (r *Result) Done() bool { return r.pending.Load() <= 0 }

// Expect says that so many more actors will answer. The caller is one that has not answered yet.
func (r *Result) Expect(more int) { r.pending.Add(int32(more)) }

// Answer says that an actor is done with the delivery, and to how many connections it gave the event.
func (r *Result) Answer(delivered int) {
	r.delivered.Add(int64(delivered))
	if r.pending.Add(-1) > 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done != nil {
		close(r.done)
		r.done = nil
	}
}

// Fail is Answer with an error. The first error counts.
func (r *Result) Fail(err *protocol.Refusal) {
	r.mu.Lock()
	if r.err == nil {
		r.err = err
	}
	r.mu.Unlock()
	r.Answer(0)
}

// Failed reports whether Fail was called.
func (r *Result) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err != nil
}

// SetPosition notes the topic and position that the event got.
func (r *Result) SetPosition(topic string, p protocol.Position) {
	r.mu.Lock()
	r.topic, r.position = topic, p
	r.mu.Unlock()
}

// AlreadyStored notes that the store has an event with this id, and where.
func (r *Result) AlreadyStored(topic string, p protocol.Position) {
	r.mu.Lock()
	r.topic, r.position, r.stored = topic, p, true
	r.mu.Unlock()
}

// Repeats is Answer for an event whose id an earlier delivery had: the receipt is that of first.
func (r *Result) Repeats(first *Result) {
	r.mu.Lock()
	r.first = first
	r.mu.Unlock()
	r.Answer(0)
}

// Wait blocks until all actors have answered, and returns the receipt, without its ID, or the first error. The receipt
// of a repetition is that of the first delivery, which Wait waits for as well. It returns mailbox.ErrBusy if ctx ends
// or timeout fires before.
func (r *Result) Wait(ctx context.Context, timeout <-chan time.Time) (Receipt, *protocol.Refusal) {
	if end := r.finished(); end != nil {
		select {
		case <-end:
		case <-ctx.Done():
			return Receipt{}, mailbox.ErrBusy
		case <-timeout:
			return Receipt{}, mailbox.ErrBusy
		}
	}
	r.mu.Lock()
	receipt := Receipt{Topic: r.topic, Position: r.position, Delivered: int(r.delivered.Load()), Duplicate: r.stored}
	err, first := r.err, r.first
	r.mu.Unlock()
	if err != nil || first == nil || receipt.Delivered > 0 {
		return receipt, err
	}
	receipt, err = first.Wait(ctx, timeout)
	receipt.Duplicate = err == nil
	return receipt, err
}

// finished returns a channel that is closed when all actors have answered, nil if they have.
func (r *Result) finished() chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done == nil && r.pending.Load() > 0 {
		r.done = make(chan struct{})
	}
	return r.done
}
