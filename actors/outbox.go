package actors

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
	mu      sync.Mutex
	wire    Wire  // static after Connect
	awake   bool  // the wire was told and has not found us empty since
	held    bool  // the wire finds nothing for now (aside.go)
	parked  bool  // the wire waits for the peer: our bytes are not in the backlog
	counted bool  // they are: it is not parked, and has a backlog
	closed  bool  // nothing is taken any more
	shard   uint8 // of latency; static
	waiting pending

	*outboxes          // static after Connect
	backlog   *Backlog // of the connection's tenant; nil until it has one, and then the same for ever
	trail     *trail   // nil where nobody lingers

	// What was written so far, for the figures of the connection.
	sentFrames uint64
	sentBytes  uint64
}

// outboxes are what all outboxes of a node share.
type outboxes struct {
	max     OutboxLimits // static
	latency latency
}

// OutboxLimits bound what may wait for one socket.
type OutboxLimits struct {
	Bytes  int
	Frames int
}

// exceeded reports whether so many frames of so many bytes are too much.
func (m OutboxLimits) exceeded(frames, bytes int) bool {
	return bytes > m.Bytes || frames > m.Frames
}

// share is the part of an outbox's bounds above which frames of that fate make room for each other: a quarter for those
// that can be replaced without a loss of what is newest, three quarters for others. The rest is for topics whose readers
// would be disconnected.
func (m OutboxLimits) share(f fate) OutboxLimits {
	if f == replaceable {
		return OutboxLimits{m.Bytes / 4, m.Frames / 4}
	}
	return OutboxLimits{m.Bytes - m.Bytes/4, m.Frames - m.Frames/4}
}

// Why an offer was not taken.
const (
	refusedFull   = -1
	refusedClosed = -2
	refusedStale  = -3 // it gave way to others of its topic; that is counted
)

// offer queues a frame and wakes the wire if it sleeps. It returns how many bytes the caller has to add to the backlog,
// or why it was refused.
func (o *Outbox) offer(f *Frame) int {
	size := f.size()
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return refusedClosed
	}
	if f.fate != lasting && (o.waiting.loose != nil || o.crowded(f.fate, size)) {
		return o.offerLoose(f)
	}
	if o.full(size) {
		o.mu.Unlock()
		return refusedFull
	}
	o.waiting.push(f, size)
	return o.queued(size)
}

// offerLoose is offer where older frames may make room. The caller holds the lock, which is released.
func (o *Outbox) offerLoose(f *Frame) int {
	before := o.waiting.weight
	taken := o.waiting.squeeze(f, o.max)
	grown, counted, n := o.waiting.bytes-before.bytes, o.counted, refusedStale
	o.lose(before.frames + 1 - o.waiting.frames)
	if taken {
		n = o.queued(max(grown, 0))
	} else {
		o.mu.Unlock()
	}
	if counted && grown < 0 {
		o.backlog.add(grown)
	}
	return n
}

// lose counts frames that gave way to newer ones. The caller holds the lock, here and below.
func (o *Outbox) lose(frames int) {
	if o.backlog != nil && frames > 0 {
		o.backlog.lost.Add(uint64(frames))
	}
}

// full reports whether there is no room for so many bytes more. An empty outbox takes any one frame.
func (o *Outbox) full(size int) bool {
	return o.waiting.frames > 0 && o.max.exceeded(o.waiting.frames+1, o.waiting.bytes+size)
}

// crowded reports whether one more frame of that fate would have to make room.
func (o *Outbox) crowded(f fate, size int) bool {
	return o.waiting.frames > 0 && o.max.share(f).exceeded(o.waiting.frames+1, o.waiting.bytes+size)
}

// queued follows a push: it releases the lock, wakes the wire if it sleeps, and returns how many of these bytes the caller
// has to add to the backlog.
func (o *Outbox) queued(size int) int {
	wake := !o.awake && !o.held
	o.awake = o.awake || wake
	counted := o.counted
	o.mu.Unlock()
	if wake {
		o.wire.Wake()
	}
	if !counted {
		return 0
	}
	return size
}

// count adds what offer returned to the backlog, and reports whether the frame was taken.
func (o *Outbox) count(n int) bool {
	if n > 0 {
		o.backlog.add(n)
	}
	return n >= 0
}

// join has what waits here counted in a tenant's backlog from now on.
func (o *Outbox) join(b *Backlog) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.backlog != nil || b == nil {
		return
	}
	o.backlog, o.counted = b, !o.parked
	if o.counted && !o.closed {
		b.add(o.waiting.bytes)
	}
}

// prepend queues events ahead of those that came since hold: they are older. It returns what offer returns.
func (o *Outbox) prepend(frames []*Frame) int {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return refusedClosed
	}
	return o.queued(o.waiting.prepend(frames))
}

// isClosed reports whether nothing is taken any more.
func (o *Outbox) isClosed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

// sent is what was written so far.
func (o *Outbox) sent() (frames, bytes uint64) {
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
	o.parked, o.counted = parked, !parked && o.backlog != nil
	bytes, backlog := o.waiting.bytes, o.backlog
	o.mu.Unlock()
	if parked {
		bytes = -bytes
	}
	if backlog != nil {
		backlog.add(bytes)
	}
}

// Waiting tells what waits, in frames and bytes.
func (o *Outbox) Waiting() (frames, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.waiting.frames, o.waiting.bytes
}

// room is how many of these frames, from the oldest, have to be left away for the rest to fit in.
func (o *Outbox) room(frames []*Frame) (left int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.waiting.room(frames, o.max)
}

// close drops what waits and refuses what comes. It returns how many frames were dropped.
func (o *Outbox) close() (dropped int) {
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
		o.backlog.add(-bytes)
	}
	return dropped
}
