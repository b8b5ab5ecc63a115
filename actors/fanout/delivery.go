package fanout

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// publication is one event on its way through the topics and users that hear it. They share it: its parts are either
// never changed, atomic, or guarded by the lock.
type Delivery struct {
	Event *protocol.Event
	// anonymous says that the publisher gave no id: nobody has to recognise it.
	Anonymous bool
	Policy    outbox.Policy // of its frames
	Exclude   uint64        // the connection that does not get it
	Born      int64         // Unix nanoseconds
	Result    *Result

	mu     sync.Mutex
	frames []encodedFrame
	first  [1]encodedFrame     // most events are said in one dialect and view
	byKey  map[encodingKey]int // in frames; nil while they are few
}

// fewFrames are looked through faster than looked up.
const fewFrames = 16

// newPublication makes a publication that one actor will answer. That of an anonymous event comes with its verdict in
// one piece; an event with an id leaves its verdict behind in dedup windows, where the rest must not be kept.
func NewDelivery(event *protocol.Event, anonymous bool) *Delivery {
	if anonymous {
		both := &struct {
			Delivery
			Result
		}{Delivery: Delivery{Event: event, Anonymous: true}}
		both.Delivery.Result = &both.Result
		both.Result.pending.Store(1)
		return &both.Delivery
	}
	return &Delivery{Event: event, Result: newResult(1)}
}

// cachedFrame is the event's frame in one dialect and view; a nil frame says that the dialect has no words for it.
type encodedFrame struct {
	encodingKey
	frame *outbox.Frame
}

// saying is how an event is said.
type encodingKey struct {
	dialect protocol.Dialect
	view    protocol.Projection
}

// frame returns the event in a dialect as a view leaves it, encoded once however many topics and users ask. nil if
// there is nothing to say.
func (d *Delivery) Frame(e Encoder, dialect protocol.Dialect, view protocol.Projection) *outbox.Frame {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := encodingKey{dialect, view}
	if i := d.find(key); i >= 0 {
		return d.frames[i].frame
	}
	f := e.Encode(dialect, view, d.Event, d.Born)
	f.Bind(d.Policy, d.Event.Topic, d.Event.Key)
	if d.frames == nil {
		d.frames = d.first[:0]
	}
	d.frames = append(d.frames, encodedFrame{key, f})
	if d.byKey != nil {
		d.byKey[key] = len(d.frames) - 1
	}
	return f
}

// place is where the frame in this saying is, -1 if it was not encoded yet.
func (d *Delivery) find(key encodingKey) int {
	if len(d.frames) <= fewFrames {
		return slices.IndexFunc(d.frames, func(c encodedFrame) bool { return c.encodingKey == key })
	}
	if d.byKey == nil {
		d.byKey = make(map[encodingKey]int, 4*fewFrames)
		for i := range d.frames {
			d.byKey[d.frames[i].encodingKey] = i
		}
	}
	if i, ok := d.byKey[key]; ok {
		return i
	}
	return -1
}

// verdict is what becomes of a publication. It is kept in dedup windows, so it holds on to nothing large.
type Result struct {
	delivered atomic.Int64
	pending   atomic.Int32 // actors that have not answered yet

	mu       sync.Mutex    // guards these
	done     chan struct{} // closed by the last one; nil if nobody waits
	topic    string
	position protocol.Position
	err      *protocol.Refusal
	first    *Result // of the publication that this one repeats
	stored   bool    // it repeats one of which only the store knows
}

func newResult(actors int) *Result {
	r := &Result{}
	r.pending.Store(int32(actors))
	return r
}

// Done reports whether all have answered.
func (r *Result) Done() bool { return r.pending.Load() <= 0 }

// Expect says that so many more will answer. Who expects must not have answered yet.
func (r *Result) Expect(more int) { r.pending.Add(int32(more)) }

// answered says that an actor is done with it and to how many connections it gave it.
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

// end is a channel that is closed when all have answered, nil if they have.
func (r *Result) finished() chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done == nil && r.pending.Load() > 0 {
		r.done = make(chan struct{})
	}
	return r.done
}

// failed is answered, with an error. The first error counts.
func (r *Result) Fail(err *protocol.Refusal) {
	r.mu.Lock()
	if r.err == nil {
		r.err = err
	}
	r.mu.Unlock()
	r.Answer(0)
}

// Failed reports whether an error was noted.
func (r *Result) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err != nil
}

// at notes where the event went.
func (r *Result) SetPosition(topic string, p protocol.Position) {
	r.mu.Lock()
	r.topic, r.position = topic, p
	r.mu.Unlock()
}

// known says that the store has an event with this id, and where.
func (r *Result) AlreadyStored(topic string, p protocol.Position) {
	r.mu.Lock()
	r.topic, r.position, r.stored = topic, p, true
	r.mu.Unlock()
}

// repeats says that the event is known, and answers.
func (r *Result) Repeats(first *Result) {
	r.mu.Lock()
	r.first = first
	r.mu.Unlock()
	r.Answer(0)
}

// wait returns the receipt once all have answered; that of a repetition is the first publication's. It is Busy when ctx
// or patience ends first.
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
