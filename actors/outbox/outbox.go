package outbox

import (
	"sync"
)

// Outbox holds the frames that wait for one socket. It is bounded in bytes and frames, and what the wire has taken but
// not yet written counts too, so that a stuck write is seen. An empty outbox holds no buffer.
//
// Topics and users offer, the wire takes. Order is the order of the offers, but that what is said to this client alone
// goes ahead (aside.go), and that a slow reader may lose some of a topic that allows it (loose.go). What waits, in which
// order, is pending's; the outbox has the lock, the wire, and what counts in the backlog and the figures.
//
// What an offer needs stands first, in 64 bytes, and behind it what only the wire needs, in 64 more: with many connections each of
// them is cold memory (bench/NOTES.md). The border goes through pending, behind its line.
type Outbox struct {
	mu        sync.Mutex
	transport Transport // static after Connect
	awake     bool      // the wire was told and has not found us empty since
	held      bool      // the wire finds nothing for now (aside.go)
	parked    bool      // the wire waits for the peer: our bytes are not in the backlog
	counted   bool      // they are: it is not parked, and has a backlog
	closed    bool      // nothing is taken any more
	shard     uint8     // of latency; static
	waiting   sendQueue

	*Shared                    // static after Connect
	backpressure *Backpressure // of the connection's tenant; nil until it has one, and then the same for ever
	inFlight     *inFlight     // nil where nobody lingers

	// What was written so far, for the figures of the connection.
	sentFrames uint64
	sentBytes  uint64

	number uint64 // of the connection, static; behind the 128 bytes that deliveries need
}

// outboxes are what all outboxes of a node share.
type Shared struct {
	Limits  Limits // static
	Latency LatencyHistogram
}

// OutboxLimits bound what may wait for one socket.
type Limits struct {
	Bytes  int
	Frames int
}

// exceeded reports whether so many frames of so many bytes are too much.
func (l Limits) exceeded(frames, bytes int) bool {
	return bytes > l.Bytes || frames > l.Frames
}

// share is the part of an outbox's bounds above which frames of that fate make room for each other: a quarter for those
// that can be replaced without a loss of what is newest, three quarters for others. The rest is for topics whose readers
// would be disconnected.
func (l Limits) share(policy Policy) Limits {
	if policy == Conflate {
		return Limits{l.Bytes / 4, l.Frames / 4}
	}
	return Limits{l.Bytes - l.Bytes/4, l.Frames - l.Frames/4}
}

// Init ties the outbox to its node, and gives it the number of its connection. It comes before all else, as do
// TrackInFlight and Attach.
func (o *Outbox) Init(shared *Shared, number uint64) {
	o.Shared, o.number, o.shard = shared, number, uint8(number)
}

// Number is the connection's, unique in the life of a node.
func (o *Outbox) Number() uint64 { return o.number }

// TrackInFlight has the outbox remember what its transport took and did not write yet, for Detach.
func (o *Outbox) TrackInFlight() { o.inFlight = &inFlight{} }

// TracksInFlight reports whether TrackInFlight was called.
func (o *Outbox) TracksInFlight() bool { return o.inFlight != nil }

// Attach gives the outbox its transport.
func (o *Outbox) Attach(t Transport) { o.transport = t }

// Transport is what Attach gave.
func (o *Outbox) Transport() Transport { return o.transport }

// AwaitFlush waits, after Detach, until what was in flight is written, for at most 100 ms. It reports false if the peer
// does not take it.
func (o *Outbox) AwaitFlush() bool { return o.inFlight.await() }

// Why an offer was not taken.
const (
	RefusedFull   = -1
	RefusedClosed = -2
	RefusedStale  = -3 // it gave way to others of its topic; that is counted
)

// offer queues a frame and wakes the wire if it sleeps. It returns how many bytes the caller has to add to the backlog,
// or why it was refused.
func (o *Outbox) Offer(f *Frame) int {
	size := f.Size()
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return RefusedClosed
	}
	if f.policy != Keep && (o.waiting.lossy != nil || o.overShare(f.policy, size)) {
		return o.offerLossy(f)
	}
	if o.full(size) {
		o.mu.Unlock()
		return RefusedFull
	}
	o.waiting.push(f, size)
	return o.unlockAndWake(size)
}

// offerLoose is offer where older frames may make room. The caller holds the lock, which is released.
func (o *Outbox) offerLossy(f *Frame) int {
	before := o.waiting.weight
	taken := o.waiting.makeRoom(f, o.Limits)
	grown, counted, n := o.waiting.bytes-before.bytes, o.counted, RefusedStale
	o.countLost(before.frames + 1 - o.waiting.frames)
	if taken {
		n = o.unlockAndWake(max(grown, 0))
	} else {
		o.mu.Unlock()
	}
	if counted && grown < 0 {
		o.backpressure.Add(grown)
	}
	return n
}

// lose counts frames that gave way to newer ones. The caller holds the lock, here and below.
func (o *Outbox) countLost(frames int) {
	if o.backpressure != nil && frames > 0 {
		o.backpressure.Lost.Add(uint64(frames))
	}
}

// full reports whether there is no room for so many bytes more. An empty outbox takes any one frame.
func (o *Outbox) full(size int) bool {
	return o.waiting.frames > 0 && o.Limits.exceeded(o.waiting.frames+1, o.waiting.bytes+size)
}

// crowded reports whether one more frame of that fate would have to make room.
func (o *Outbox) overShare(policy Policy, size int) bool {
	return o.waiting.frames > 0 && o.Limits.share(policy).exceeded(o.waiting.frames+1, o.waiting.bytes+size)
}

// queued follows a push: it releases the lock, wakes the wire if it sleeps, and returns how many of these bytes the caller
// has to add to the backlog.
func (o *Outbox) unlockAndWake(size int) int {
	wake := !o.awake && !o.held
	o.awake = o.awake || wake
	counted := o.counted
	o.mu.Unlock()
	if wake {
		o.transport.Wake()
	}
	if !counted {
		return 0
	}
	return size
}

// count adds what offer returned to the backlog, and reports whether the frame was taken.
func (o *Outbox) Charge(n int) bool {
	if n > 0 {
		o.backpressure.Add(n)
	}
	return n >= 0
}

// join has what waits here counted in a tenant's backlog from now on.
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

// prepend queues events ahead of those that came since hold: they are older. It returns what offer returns.
func (o *Outbox) Prepend(frames []*Frame) int {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return RefusedClosed
	}
	return o.unlockAndWake(o.waiting.prepend(frames))
}

// isClosed reports whether nothing is taken any more.
func (o *Outbox) IsClosed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

// sent is what was written so far.
func (o *Outbox) Sent() (frames, bytes uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.sentFrames, o.sentBytes
}

// Park says that the peer is not reading: until Unpark, what waits here slows down no publisher.
func (o *Outbox) Park() { o.setParked(true) }

// Unpark ends Park.
func (o *Outbox) Unpark() { o.setParked(false) }

func (o *Outbox) setParked(parked bool) {
	o.mu.Lock()
	if o.closed || o.parked == parked {
		o.mu.Unlock()
		return
	}
	o.parked, o.counted = parked, !parked && o.backpressure != nil
	bytes, backpressure := o.waiting.bytes, o.backpressure
	o.mu.Unlock()
	if parked {
		bytes = -bytes
	}
	if backpressure != nil {
		backpressure.Add(bytes)
	}
}

// Waiting tells what waits, in frames and bytes.
func (o *Outbox) Waiting() (frames, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.waiting.frames, o.waiting.bytes
}

// room is how many of these frames, from the oldest, have to be left away for the rest to fit in.
func (o *Outbox) Overflow(frames []*Frame) (left int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.waiting.overflow(frames, o.Limits)
}

// close drops what waits and refuses what comes. It returns how many frames were dropped.
func (o *Outbox) Close() (dropped int) {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return 0
	}
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

// thin drops all but the newest of the waiting frames of a topic that allows that, and all but the newest of each key. It returns
// how many.
func (o *Outbox) Shed() (dropped int) {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return 0
	}
	before := o.waiting.weight
	o.waiting.shed()
	dropped = before.frames - o.waiting.frames
	freed, counted := before.bytes-o.waiting.bytes, o.counted
	o.countLost(dropped)
	o.mu.Unlock()
	if counted {
		o.backpressure.Add(-freed)
	}
	return dropped
}
