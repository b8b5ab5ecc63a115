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
func NewDelivery(ev *protocol.Event, anonymous bool) *Delivery {
	if anonymous {
		both := &struct {
			Delivery
			Result
		}{Delivery: Delivery{Event: ev, Anonymous: true}}
		both.Delivery.Result = &both.Result
		both.Result.pending.Store(1)
		return &both.Delivery
	}
	return &Delivery{Event: ev, Result: NewResult(1)}
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
func (p *Delivery) Frame(e Encoder, d protocol.Dialect, v protocol.Projection) *outbox.Frame {
	p.mu.Lock()
	defer p.mu.Unlock()
	in := encodingKey{d, v}
	if i := p.find(in); i >= 0 {
		return p.frames[i].frame
	}
	f := e.Encode(d, v, p.Event, p.Born)
	f.Bind(p.Policy, p.Event.Topic, p.Event.Key)
	if p.frames == nil {
		p.frames = p.first[:0]
	}
	p.frames = append(p.frames, encodedFrame{in, f})
	if p.byKey != nil {
		p.byKey[in] = len(p.frames) - 1
	}
	return f
}

// place is where the frame in this saying is, -1 if it was not encoded yet.
func (p *Delivery) find(in encodingKey) int {
	if len(p.frames) <= fewFrames {
		return slices.IndexFunc(p.frames, func(c encodedFrame) bool { return c.encodingKey == in })
	}
	if p.byKey == nil {
		p.byKey = make(map[encodingKey]int, 4*fewFrames)
		for i := range p.frames {
			p.byKey[p.frames[i].encodingKey] = i
		}
	}
	if i, ok := p.byKey[in]; ok {
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
	again    bool    // it repeats one of which only the store knows
}

func NewResult(actors int) *Result {
	v := &Result{}
	v.pending.Store(int32(actors))
	return v
}

// Done reports whether all have answered.
func (v *Result) Done() bool { return v.pending.Load() <= 0 }

// Expect says that so many more will answer. Who expects must not have answered yet.
func (v *Result) Expect(more int) { v.pending.Add(int32(more)) }

// answered says that an actor is done with it and to how many connections it gave it.
func (v *Result) Answer(delivered int) {
	v.delivered.Add(int64(delivered))
	if v.pending.Add(-1) > 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.done != nil {
		close(v.done)
		v.done = nil
	}
}

// end is a channel that is closed when all have answered, nil if they have.
func (v *Result) finished() chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.done == nil && v.pending.Load() > 0 {
		v.done = make(chan struct{})
	}
	return v.done
}

// failed is answered, with an error. The first error counts.
func (v *Result) Fail(why *protocol.Refusal) {
	v.mu.Lock()
	if v.err == nil {
		v.err = why
	}
	v.mu.Unlock()
	v.Answer(0)
}

// Failed reports whether an error was noted.
func (v *Result) Failed() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err != nil
}

// at notes where the event went.
func (v *Result) SetPosition(topic string, p protocol.Position) {
	v.mu.Lock()
	v.topic, v.position = topic, p
	v.mu.Unlock()
}

// known says that the store has an event with this id, and where.
func (v *Result) AlreadyStored(topic string, p protocol.Position) {
	v.mu.Lock()
	v.topic, v.position, v.again = topic, p, true
	v.mu.Unlock()
}

// repeats says that the event is known, and answers.
func (v *Result) Repeats(first *Result) {
	v.mu.Lock()
	v.first = first
	v.mu.Unlock()
	v.Answer(0)
}

// wait returns the receipt once all have answered; that of a repetition is the first publication's. It is Busy when ctx
// or patience ends first.
func (v *Result) Wait(ctx context.Context, patience <-chan time.Time) (Receipt, *protocol.Refusal) {
	if end := v.finished(); end != nil {
		select {
		case <-end:
		case <-ctx.Done():
			return Receipt{}, mailbox.ErrBusy
		case <-patience:
			return Receipt{}, mailbox.ErrBusy
		}
	}
	v.mu.Lock()
	r := Receipt{Topic: v.topic, Position: v.position, Delivered: int(v.delivered.Load()), Duplicate: v.again}
	err, first := v.err, v.first
	v.mu.Unlock()
	if err != nil || first == nil || r.Delivered > 0 {
		return r, err
	}
	r, err = first.Wait(ctx, patience)
	r.Duplicate = err == nil
	return r, err
}
