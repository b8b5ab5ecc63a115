package actors

import (
	"context"
	"fmt"
	"runtime/debug"
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
type publication struct {
	event *protocol.Event
	// anonymous says that the publisher gave no id: nobody has to recognise it.
	anonymous bool
	fate      outbox.Policy // of its frames
	exclude   uint64        // the connection that does not get it
	born      int64         // Unix nanoseconds
	verdict   *verdict

	mu     sync.Mutex
	frames []cachedFrame
	first  [1]cachedFrame // most events are said in one dialect and view
	places map[saying]int // in frames; nil while they are few
}

// fewFrames are looked through faster than looked up.
const fewFrames = 16

// newPublication makes a publication that one actor will answer. That of an anonymous event comes with its verdict in
// one piece; an event with an id leaves its verdict behind in dedup windows, where the rest must not be kept.
func newPublication(ev *protocol.Event, anonymous bool) *publication {
	if anonymous {
		both := &struct {
			publication
			verdict
		}{publication: publication{event: ev, anonymous: true}}
		both.publication.verdict = &both.verdict
		both.verdict.pending.Store(1)
		return &both.publication
	}
	return &publication{event: ev, verdict: newVerdict(1)}
}

// cachedFrame is the event's frame in one dialect and view; a nil frame says that the dialect has no words for it.
type cachedFrame struct {
	saying
	frame *outbox.Frame
}

// saying is how an event is said.
type saying struct {
	dialect protocol.Dialect
	view    protocol.View
}

// frame returns the event in a dialect as a view leaves it, encoded once however many topics and users ask. nil if
// there is nothing to say.
func (p *publication) frame(n *Node, d protocol.Dialect, v protocol.View) *outbox.Frame {
	p.mu.Lock()
	defer p.mu.Unlock()
	in := saying{d, v}
	if i := p.place(in); i >= 0 {
		return p.frames[i].frame
	}
	f := n.encode(d, v, p.event, p.born)
	f.Bind(p.fate, p.event.Topic, p.event.Key)
	if p.frames == nil {
		p.frames = p.first[:0]
	}
	p.frames = append(p.frames, cachedFrame{in, f})
	if p.places != nil {
		p.places[in] = len(p.frames) - 1
	}
	return f
}

// place is where the frame in this saying is, -1 if it was not encoded yet.
func (p *publication) place(in saying) int {
	if len(p.frames) <= fewFrames {
		return slices.IndexFunc(p.frames, func(c cachedFrame) bool { return c.saying == in })
	}
	if p.places == nil {
		p.places = make(map[saying]int, 4*fewFrames)
		for i := range p.frames {
			p.places[p.frames[i].saying] = i
		}
	}
	if i, ok := p.places[in]; ok {
		return i
	}
	return -1
}

// encode makes the frame of an event, nil if there is nothing to say. This is the one place that recovers: a dialect
// that fails at an event must not keep it from those of other dialects. It is then said as if the dialect had no words
// for it, logged, and counted as dropped.
func (n *Node) encode(d protocol.Dialect, v protocol.View, ev *protocol.Event, born int64) (f *outbox.Frame) {
	defer func() {
		if cause := recover(); cause != nil {
			n.dropped(protocol.Internal, 1)
			n.log.Error("a dialect failed to encode an event", "dialect", d.Name(), "event", ev.ID, "kind", ev.Kind, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			f = nil
		}
	}()
	if data := d.Encode(ev, v); data != nil {
		return &outbox.Frame{Op: outbox.Text, Data: data, Born: born}
	}
	return nil
}

// verdict is what becomes of a publication. It is kept in dedup windows, so it holds on to nothing large.
type verdict struct {
	delivered atomic.Int64
	pending   atomic.Int32 // actors that have not answered yet

	mu       sync.Mutex    // guards these
	done     chan struct{} // closed by the last one; nil if nobody waits
	topic    string
	position protocol.Position
	err      *protocol.Refusal
	first    *verdict // of the publication that this one repeats
	again    bool     // it repeats one of which only the store knows
}

func newVerdict(actors int) *verdict {
	v := &verdict{}
	v.pending.Store(int32(actors))
	return v
}

// expect says that so many more will answer. Who expects must not have answered yet.
func (v *verdict) expect(more int) { v.pending.Add(int32(more)) }

// answered says that an actor is done with it and to how many connections it gave it.
func (v *verdict) answered(delivered int) {
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
func (v *verdict) end() chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.done == nil && v.pending.Load() > 0 {
		v.done = make(chan struct{})
	}
	return v.done
}

// failed is answered, with an error. The first error counts.
func (v *verdict) failed(why *protocol.Refusal) {
	v.mu.Lock()
	if v.err == nil {
		v.err = why
	}
	v.mu.Unlock()
	v.answered(0)
}

// bad reports whether an error was noted.
func (v *verdict) bad() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err != nil
}

// at notes where the event went.
func (v *verdict) at(topic string, p protocol.Position) {
	v.mu.Lock()
	v.topic, v.position = topic, p
	v.mu.Unlock()
}

// known says that the store has an event with this id, and where.
func (v *verdict) known(topic string, p protocol.Position) {
	v.mu.Lock()
	v.topic, v.position, v.again = topic, p, true
	v.mu.Unlock()
}

// repeats says that the event is known, and answers.
func (v *verdict) repeats(first *verdict) {
	v.mu.Lock()
	v.first = first
	v.mu.Unlock()
	v.answered(0)
}

// wait returns the receipt once all have answered; that of a repetition is the first publication's. It is Busy when ctx
// or patience ends first.
func (v *verdict) wait(ctx context.Context, patience <-chan time.Time) (Receipt, *protocol.Refusal) {
	if end := v.end(); end != nil {
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
	r, err = first.wait(ctx, patience)
	r.Duplicate = err == nil
	return r, err
}
