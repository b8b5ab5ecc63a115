package actors

import (
	"sync"
	"sync/atomic"
	"time"
)

// Outbox holds the frames that wait for one socket. It is bounded in bytes and frames, and what the wire has taken but
// not yet written counts too, so that a stuck write is seen. An empty outbox holds no buffer.
//
// Topics and users offer, the wire takes. Order is the order of the offers.
type Outbox struct {
	// Static after Connect.
	wire    Wire
	backlog *Backlog
	latency *latency
	shard   uint64 // of latency

	mu     sync.Mutex
	first  *Frame // the oldest, when only one waits: the common case needs no chunk
	head   *chunk // the rest, oldest first; nil when empty
	tail   *chunk
	frames int // waiting or taken, not yet written
	bytes  int
	max    OutboxLimits
	awake  bool // the wire was told and has not found us empty since
	parked bool // the wire waits for the peer: our bytes are not in the backlog
	closed bool

	// What was written so far, for the figures of the connection.
	sentFrames atomic.Uint64
	sentBytes  atomic.Uint64
}

// OutboxLimits bound what may wait for one socket.
type OutboxLimits struct {
	Bytes  int
	Frames int
}

// chunk is a piece of a queue. Chunks come from a pool, so a queue that fills and empties allocates nothing.
type chunk struct {
	next     *chunk
	from, to int
	frames   [30]*Frame
}

var chunks = sync.Pool{New: func() any { return new(chunk) }}

// Why an offer was not taken.
const (
	refusedFull   = -1
	refusedClosed = -2
)

// offer queues a frame and wakes the wire if it sleeps. It returns how many bytes the caller has to add to the backlog,
// or refusedFull, or refusedClosed.
func (o *Outbox) offer(f *Frame) int {
	size := f.size()
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return refusedClosed
	}
	if o.frames > 0 && (o.bytes+size > o.max.Bytes || o.frames >= o.max.Frames) {
		o.mu.Unlock()
		return refusedFull
	}
	o.push(f)
	o.frames++
	o.bytes += size
	wake := !o.awake
	o.awake = true
	parked := o.parked
	o.mu.Unlock()
	if wake {
		o.wire.Wake()
	}
	if parked {
		return 0
	}
	return size
}

// send offers one frame and counts it, for callers without a fan-out of their own.
func (o *Outbox) send(f *Frame) bool {
	n := o.offer(f)
	if n > 0 {
		o.backlog.add(n)
	}
	return n >= 0
}

// Pong and Ping frames of the wire itself go through the same door, so that nothing interleaves. Reply reports false
// if the outbox is full or closed.
func (o *Outbox) Reply(op Op, data []byte) bool {
	return o.send(&Frame{Op: op, Data: data})
}

func (o *Outbox) push(f *Frame) {
	if o.first == nil && o.head == nil {
		o.first = f
		return
	}
	if o.tail == nil || o.tail.to == len(o.tail.frames) {
		c := chunks.Get().(*chunk)
		c.next, c.from, c.to = nil, 0, 0
		if o.tail == nil {
			o.head = c
		} else {
			o.tail.next = c
		}
		o.tail = c
	}
	o.tail.frames[o.tail.to] = f
	o.tail.to++
}

func (o *Outbox) pop() *Frame {
	if f := o.first; f != nil {
		o.first = nil
		return f
	}
	c := o.head
	if c == nil {
		return nil
	}
	f := c.frames[c.from]
	c.frames[c.from] = nil
	if c.from++; c.from == c.to {
		if o.head = c.next; o.head == nil {
			o.tail = nil
		}
		c.next = nil
		chunks.Put(c)
	}
	return f
}

// Take appends waiting frames to into: at most max bytes of them, but at least one if any waits. If it appends none, the
// outbox is empty and the next offer will Wake the wire. For one outbox, Take and Wrote are called by one goroutine at a
// time.
func (o *Outbox) Take(into []*Frame, max int) []*Frame {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := 0
	for {
		f := o.first
		if f == nil && o.head != nil {
			f = o.head.frames[o.head.from]
		}
		if f == nil {
			if taken == 0 {
				o.awake = false
			}
			return into
		}
		if taken > 0 && taken+f.size() > max {
			return into
		}
		taken += f.size()
		into = append(into, o.pop())
	}
}

// Wrote says that these frames, which Take gave, have left for the kernel.
func (o *Outbox) Wrote(frames []*Frame) {
	bytes, data := 0, 0
	now := time.Now().UnixNano()
	for _, f := range frames {
		bytes += f.size()
		data += len(f.Data)
		if f.Born != 0 {
			o.latency.observe(o.shard, f.Born, now)
		}
	}
	o.sentFrames.Add(uint64(len(frames)))
	o.sentBytes.Add(uint64(data))
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return
	}
	o.frames -= len(frames)
	o.bytes -= bytes
	parked := o.parked
	o.mu.Unlock()
	if !parked {
		o.backlog.add(-bytes)
	}
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
	o.parked = parked
	bytes := o.bytes
	o.mu.Unlock()
	if parked {
		bytes = -bytes
	}
	o.backlog.add(bytes)
}

// Waiting tells what waits, in frames and bytes.
func (o *Outbox) Waiting() (frames, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.frames, o.bytes
}

// close drops what waits and refuses what comes. It returns how many frames were dropped.
func (o *Outbox) close() (dropped int) {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return 0
	}
	o.closed = true
	dropped, bytes, parked := o.frames, o.bytes, o.parked
	for o.pop() != nil {
	}
	o.frames, o.bytes = 0, 0
	o.mu.Unlock()
	if !parked {
		o.backlog.add(-bytes)
	}
	return dropped
}
