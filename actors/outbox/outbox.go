package outbox

import (
	"sync"
	"sync/atomic"
)

// Outbox holds the frames that wait for one socket. Topics and users offer frames, the socket's transport takes them
// (outbox_offer.go, outbox_take.go). Many goroutines may use it at once. The send queue decides what goes next; the
// outbox has the lock, the transport, and the accounts.
//
// The fields that an offer needs stand first, in 64 bytes, and those that only the transport needs behind it, in 64
// more: with many connections each outbox is cold memory (bench/NOTES.md). The border goes through waiting, behind its
// fifo.
type Outbox struct {
	mu        sync.Mutex
	transport Transport // static after Attach
	awake     bool      // the transport was woken and has not found the outbox empty since
	held      bool      // Take returns nothing for now (Hold)
	parked    bool      // the peer is not reading: our bytes are not in the backpressure
	counted   bool      // our bytes are in the backpressure: there is one, and the outbox is neither parked nor batches
	batching  bool      // events alone wait, for more of them, and the transport sleeps (outbox_offer.go)
	delayed   bool      // the Delay has the outbox in its queue
	closed    bool      // nothing is taken any more
	shard     uint8     // of the latency histogram; static
	waiting   sendQueue

	shared       *Shared       // static after Init
	backpressure *Backpressure // of the connection's tenant; nil until it has one, and then static
	inFlight     *inFlight     // nil where no client may resume; static after Init

	// The frames and bytes written so far, for the metrics of the connection.
	sentFrames uint64
	sentBytes  uint64

	number uint64 // of the connection, static; behind the 128 bytes that deliveries need
}

// Shared is what all outboxes of a node share.
type Shared struct {
	Limits Limits // static
	// Taken, unless it is nil, sees the frames that a transport takes, with the number of the connection, on their
	// way. It must not block.
	Taken atomic.Pointer[func(number uint64, frames []*Frame)]
	// Inject offers a frame while faults are injected. Static after the start.
	Inject  func(o *Outbox, f *Frame) int
	Delay   Delay
	Latency LatencyHistogram
}

// Init ties the outbox to its node, and gives it the number of its connection. A resumable one remembers what its
// transport took and did not write yet, for Detach. Init comes before all else; Attach comes next.
func (o *Outbox) Init(shared *Shared, number uint64, resumable bool) {
	o.shared, o.number, o.shard = shared, number, uint8(number)
	if resumable {
		o.inFlight = &inFlight{}
	}
}

// Attach gives the outbox its transport.
func (o *Outbox) Attach(t Transport) { o.transport = t }

// Transport returns what Attach gave, nil before.
func (o *Outbox) Transport() Transport { return o.transport }

// Number returns the connection's number, unique in the life of a node and never 0.
func (o *Outbox) Number() uint64 { return o.number }

// Stats are the accounts of an outbox at one moment.
type Stats struct {
	QueuedFrames, QueuedBytes int    // what waits, including what was taken and is not yet written; bytes by Frame.Size
	SentFrames, SentBytes     uint64 // what was written so far; bytes of Data
	Closed                    bool   // Close or Detach was called
}

// Stats returns the outbox's accounts.
func (o *Outbox) Stats() Stats {
	o.mu.Lock()
	defer o.mu.Unlock()
	return Stats{o.waiting.frames, o.waiting.bytes, o.sentFrames, o.sentBytes, o.closed}
}

// SetBackpressure counts what waits here for a tenant from now on. Only the first call with a tenant counts.
func (o *Outbox) SetBackpressure(b *Backpressure) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.backpressure != nil || b == nil {
		return
	}
	o.backpressure, o.counted = b, !o.parked
	if o.counted && !o.closed {
		b.Add(o.waiting.bytes)
	}
}

// Backpressure returns where the bytes that wait here are counted: that of their tenant; nil if they are counted
// nowhere. A caller without the outbox's lock asks only after Offer or Ack returned bytes: from then on it does not
// change.
func (o *Outbox) Backpressure() *Backpressure { return o.backpressure }

// SetParked says whether the peer is not reading: while it is parked, what waits here slows down no publisher.
func (o *Outbox) SetParked(parked bool) {
	o.mu.Lock()
	if o.closed || o.parked == parked {
		o.mu.Unlock()
		return
	}
	o.parked = parked
	if o.batching { // none of our bytes is in the backpressure
		o.mu.Unlock()
		return
	}
	o.counted = !parked && o.backpressure != nil
	bytes, backpressure := o.waiting.bytes, o.backpressure
	o.mu.Unlock()
	if parked {
		bytes = -bytes
	}
	if backpressure != nil {
		backpressure.Add(bytes)
	}
}

// Close drops what waits and refuses what comes. It returns how many frames it dropped, 0 if the outbox was closed
// before.
func (o *Outbox) Close() (dropped int) {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return 0
	}
	o.stopBatching()
	o.closed = true
	dropped, bytes, counted := o.waiting.frames, o.waiting.bytes, o.counted
	for o.waiting.pop() != nil {
	}
	o.waiting.weight = weight{}
	o.mu.Unlock()
	if counted {
		o.backpressure.Add(-bytes)
	}
	return dropped
}
