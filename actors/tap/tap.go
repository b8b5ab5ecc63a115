package tap

import (
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/outbox"
)

// These bound what waits in one tap.
const (
	maxFrames = 1024
	maxBytes  = 4 << 20
)

// Frame is one frame as it passed. Data is shared and never changed.
type Frame struct {
	Time   time.Time
	In     bool // from the client
	Op     outbox.Op
	Data   []byte
	Source info.Source

	Login  bool     // the client logs in, or has not done so yet
	Tokens []string // what the session took for credentials
}

// Tap is a queue of frames. One goroutine reads and closes it.
type Tap struct {
	taps    *Taps
	target  Target
	source  info.Source // of a connection, as it was when the tap began
	queue   chan Frame
	bytes   atomic.Int64 // in the queue
	dropped atomic.Uint64
}

// Frames is where the reader gets frames, each of which it takes out of the account by Done.
func (p *Tap) Frames() <-chan Frame { return p.queue }

// Done makes room for as many bytes as a frame has.
func (p *Tap) Done(f Frame) { p.bytes.Add(-int64(len(f.Data))) }

// Dropped returns how many frames found no room since the last call.
func (p *Tap) Dropped() uint64 { return p.dropped.Swap(0) }

// Ended reports whether the connection that is tapped has ended.
func (p *Tap) Ended() bool {
	if p.target.Number == 0 {
		return false
	}
	_, found := p.taps.Find(p.target.Tenant, p.target.Number)
	return !found
}

// Close ends the tap.
func (p *Tap) Close() { p.taps.remove(p) }

// offer queues a frame if there is room.
func (p *Tap) offer(f Frame) {
	f.Time = time.Now()
	size := int64(len(f.Data))
	if p.bytes.Add(size) <= maxBytes {
		select {
		case p.queue <- f:
			return
		default:
		}
	}
	p.bytes.Add(-size)
	p.dropped.Add(1)
}

// offerAll queues a frame to a client and those behind it.
func (p *Tap) offerAll(f *outbox.Frame, source info.Source) {
	for ; f != nil; f = f.Next {
		p.offer(Frame{Op: f.Op, Data: f.Data, Source: source})
	}
}
