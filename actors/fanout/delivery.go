package fanout

import (
	"slices"
	"sync"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

// Encoder makes the frame of an event in a dialect; nil if the dialect has no words for it. born is when the event was
// published, in nanoseconds of the Unix clock. Encode does not panic, though a dialect may.
type Encoder interface {
	Encode(d protocol.Dialect, to protocol.Delivery, born int64) *outbox.Frame
}

// Delivery is one event on its way through the topics and users that deliver it. They share it: the exported fields do
// not change once it was sent to an actor, and the lock guards the rest.
type Delivery struct {
	Event     *protocol.Event
	Anonymous bool          // the publisher gave no id, so nobody has to recognise the event
	Policy    outbox.Policy // of its frames
	Batch     *policy.Batch // how it waits for more events; nil if it does not
	Exclude   uint64        // the number of the connection that does not get it; 0 for none
	Born      int64         // when it was published, in nanoseconds of the Unix clock
	Result    *Result

	mu     sync.Mutex
	frames []encodedFrame
	first  [1]encodedFrame     // the buffer of frames to begin with: most events need one
	byKey  map[encodingKey]int // the index in frames; nil while there are few
}

// fewFrames is up to how many frames a linear search is faster than a map.
const fewFrames = 16

// NewDelivery makes a delivery that one actor will answer. A delivery without an id is allocated in one piece with its
// result; the result of one with an id stays behind in dedup windows, which must not keep the rest alive.
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

// Apply applies the policy of the event's topic to the delivery.
func (d *Delivery) Apply(p *policy.Topic) {
	d.Policy = p.Frames
	if p.Batch.Window > 0 {
		d.Batch = &p.Batch
	}
}

// encodedFrame is one of the event's frames; a nil frame says that the dialect has no words for it.
type encodedFrame struct {
	encodingKey
	frame *outbox.Frame
}

// encodingKey tells the frames of an event apart. A topic delivers an event once, so it stands for the position there.
type encodingKey struct {
	dialect      protocol.Dialect
	view         protocol.Projection
	label, topic string
}

// Frame returns the event's frame in a dialect, for those who hear to.Event, which is d.Event, in this form. It encodes
// the frame once, however many topics and users ask, and returns nil if the dialect has no words for the event. Many
// goroutines may call it at once.
func (d *Delivery) Frame(e Encoder, dialect protocol.Dialect, to protocol.Delivery) *outbox.Frame {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := encodingKey{dialect, to.View, to.Label, to.Topic}
	if i := d.find(key); i >= 0 {
		return d.frames[i].frame
	}
	f := e.Encode(dialect, to, d.Born)
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

// find returns the index of the frame with this key, -1 if it was not encoded yet.
func (d *Delivery) find(key encodingKey) int {
	if len(d.frames) <= fewFrames {
		return slices.IndexFunc(d.frames, func(f encodedFrame) bool { return f.encodingKey == key })
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
