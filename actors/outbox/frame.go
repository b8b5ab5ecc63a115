package outbox

import "sync/atomic"

// Transport is what a connection needs of its socket. Its methods never block and may be called from many goroutines.
type Transport interface {
	// Wake says that something waits in the outbox, which was empty before. The wire then takes and writes until
	// Outbox.Take returns nothing.
	Wake()
	// Close writes what waits in the outbox, for as long as its grace allows, then a close frame with code and reason,
	// and ends the socket; Link.Gone follows. Only the first call counts, and none if the client has ended it before.
	Close(code uint16, reason string)
	// Cut ends the socket at once; Link.Gone follows.
	Cut()
}

// Op is the kind of a frame, with the numbers of RFC 6455 section 5.2.
type Op uint8

// The frames that an outbox may hold.
const (
	Text   Op = 1
	Binary Op = 2
	Ping   Op = 9
	Pong   Op = 10
)

// Frame is one message in one dialect, shared by all connections that hear it and never changed.
type Frame struct {
	Op     Op
	policy Policy // what may become of it while it waits
	topic  uint32 // hash of the topic; 0 for what is lasting, as is key
	Data   []byte
	// Born is when the event was published, in nanoseconds of the Unix clock; 0 for what is no event.
	Born int64

	key   uint64 // hash of topic and key
	forms atomic.Pointer[encoded]
}

// encoded is a frame as some wires need it, one of a list. It never changes.
type encoded struct {
	next  *encoded
	form  int
	bytes []byte
}

// Form returns the frame as a wire needs it; the wire numbers its forms. The first caller makes a form, for all; two
// that ask at once may both make it, and one of the results is kept.
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

// size is what a frame counts against the bounds of an outbox.
func (f *Frame) Size() int { return len(f.Data) + 16 }
