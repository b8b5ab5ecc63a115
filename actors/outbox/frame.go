package outbox

import (
	"hash/maphash"
	"sync/atomic"
)

// Op is the kind of a frame, with the numbers of RFC 6455 section 5.2.
type Op uint8

// The kinds of frames that an outbox may hold.
const (
	Text   Op = 1
	Binary Op = 2
	Ping   Op = 9
	Pong   Op = 10
)

// Frame is one message in one dialect. All connections that receive it share it, and nobody changes it once it was
// offered.
type Frame struct {
	Op     Op
	policy Policy // what may become of it while it waits
	Mark   uint8  // the faults that are injected into the events of its topic (package fault)
	topic  uint32 // hash of the topic; like key, 0 under the policy Keep
	Data   []byte
	// Born is when the event was published, in nanoseconds of the Unix clock; 0 for a frame that is no event.
	Born int64
	// Next is written right behind the frame, and shares its fate; nil for none.
	Next *Frame

	key   uint64 // hash of topic and key
	forms atomic.Pointer[encoded]
}

// encoded is a frame in one form that a transport needs, and links to the other forms. It never changes once published.
type encoded struct {
	next  *encoded
	form  int
	bytes []byte
}

// seed is that of the hashes by which outboxes tell topics and keys apart. Two topics of one outbox whose hashes are
// equal may be dropped for each other.
var seed = maphash.MakeSeed()

// Bind sets what may become of the frame of an event while it waits. It comes before any other goroutine knows the
// frame. On a nil frame it does nothing.
func (f *Frame) Bind(policy Policy, topic, key string) {
	if f == nil || policy == Keep {
		return
	}
	f.policy = policy
	whole := maphash.String(seed, topic)
	f.topic = uint32(whole)
	f.key = maphash.String(seed, key) ^ (whole<<31 | whole>>33)
}

// Size is what the frame and those that follow it count against the limits of an outbox, in bytes.
func (f *Frame) Size() int { return f.Bytes() + 16 }

// Bytes is how much data the frame and those that follow it have.
func (f *Frame) Bytes() int {
	if f.Next != nil {
		return len(f.Data) + f.Next.Bytes()
	}
	return len(f.Data)
}

// IsEvent reports whether the frame is an event, and not an answer or ping.
func (f *Frame) IsEvent() bool { return f.Born != 0 }

// Form returns the frame's bytes in a form that the transport numbers, such as compressed. The first caller builds a
// form for all; if two ask at once both may build it, and one of the results is kept. Nobody may change the result.
func (f *Frame) Form(form int, build func(*Frame) []byte) []byte {
	var made *encoded
	for {
		first := f.forms.Load()
		for e := first; e != nil; e = e.next {
			if e.form == form {
				return e.bytes
			}
		}
		if made == nil {
			made = &encoded{form: form, bytes: build(f)}
		}
		made.next = first
		if f.forms.CompareAndSwap(first, made) {
			return made.bytes
		}
	}
}
