package link

import (
	"errors"
	"iter"
	"time"
)

// Bounds of one peer and direction. Together they are far below the 16 MiB that a stopped peer may cost.
const (
	// Credit is how many bytes may be on their way without an acknowledgement.
	Credit = 4 << 20
	// QueueBytes is how many may wait for credit or for the carrier.
	QueueBytes = 1 << 20
	// Patience is how long frames may wait.
	Patience = time.Second

	// maxInFlight bounds the parcels on their way, since small ones cost more than their bytes.
	maxInFlight = 4096
)

// Times of a link.
const (
	// Ping is after how much silence a peer gets a parcel without frames.
	Ping = 100 * time.Millisecond
	// ackDelay and ackBytes say when a peer gets its acknowledgement, if no frames take it along before.
	ackDelay = 20 * time.Millisecond
	ackBytes = 512 << 10
)

// Errors of Send: the frame was not taken.
var (
	ErrApart  = errors.New("the peer has not been heard yet")
	ErrBehind = errors.New("the peer does not keep up")
	ErrTooBig = errors.New("a frame is empty or too big for a link")
)

// Counts say what happened on a link.
type Counts struct {
	Sent, Received uint64 // frames
	Dropped        uint64 // frames that were not taken or did not wait any longer
	Behind         uint64 // how often the peer fell behind
	Holes          uint64 // how often frames of the peer were missing
}

// News is what a parcel tells beside its frames. All of it holds for the time before its frames.
type News struct {
	Began bool // the peer is a new process: nothing that was sent or received before counts
	Hole  bool // frames of the peer are missing
	Lost  bool // frames to the peer were lost
}

// Peer is one end of a link. It has one owner and no lock, and its process keeps it for each other node until the
// process ends. Times are those of the owner's monotonic clock. None of its methods blocks.
type Peer struct {
	self, peer uint64 // incarnations; peer is 0 until the peer was heard
	Counts     Counts
	outgoing   outgoing
	incoming   incoming
}

// incoming is what comes from the peer.
type incoming struct {
	number  uint64 // the highest so far
	holes   uint64
	unacked int           // bytes since the last parcel to the peer
	since   time.Duration // when the first of them came
}

// NewPeer makes one end of a link. self is the incarnation of this process, above 0 and above those of its former
// processes.
func NewPeer(self uint64) *Peer { return &Peer{self: self, outgoing: outgoing{hurry: true}} }

// Incarnation is that of the peer, 0 if it was not heard yet.
func (p *Peer) Incarnation() uint64 { return p.peer }

// Waiting is how many bytes the link holds or has on their way.
func (p *Peer) Waiting() int { return p.outgoing.queued + p.outgoing.bytes }

// Send queues a copy of a frame. The error is ErrApart, ErrBehind or ErrTooBig.
func (p *Peer) Send(now time.Duration, frame []byte) error {
	err := p.admit(now, len(frame))
	if err != nil {
		p.Counts.Dropped++
		return err
	}
	p.outgoing.add(now, frame)
	p.Counts.Sent++
	return nil
}

func (p *Peer) admit(now time.Duration, size int) error {
	out := &p.outgoing
	switch {
	case size == 0 || size > MaxFrame:
		return ErrTooBig
	case p.peer == 0:
		return ErrApart
	case out.behind && !out.open():
		return ErrBehind
	case out.late(now) || out.queued+size+maxLength > QueueBytes:
		p.fallBehind()
		return ErrBehind
	}
	out.behind = false
	return nil
}

// fallBehind drops what waits. The number that is skipped tells the peer.
func (p *Peer) fallBehind() {
	p.Counts.Dropped += uint64(p.outgoing.drop())
	p.Counts.Behind++
	p.outgoing.number++
	p.outgoing.behind, p.outgoing.hurry = true, true
}

// Pack appends the next parcel to b, if one is due. A carrier calls it whenever it can take a parcel: after Send, after
// Receive, and every 10 ms or so.
func (p *Peer) Pack(now time.Duration, b []byte) (parcel []byte, due bool) {
	out := &p.outgoing
	if out.late(now) {
		p.fallBehind()
	}
	full := len(out.waiting) > 0 && out.open()
	if !full && !out.hurry && !p.incoming.due(now) && now-out.last < Ping {
		return b, false
	}
	if full {
		out.number++
	}
	h := header{p.self, p.peer, out.number, p.incoming.number, p.incoming.holes}
	b = h.append(b)
	if full {
		b = out.take(b)
	}
	out.last, out.hurry, p.incoming.unacked = now, false, 0
	return b, true
}

// Receive takes a parcel in. The frames are parts of it. The error is ErrMalformed or ErrStale.
func (p *Peer) Receive(now time.Duration, parcel []byte) (News, iter.Seq[[]byte], error) {
	var h header
	frames, err := h.decode(parcel)
	if err == nil && h.from < p.peer {
		err = ErrStale
	}
	if err != nil {
		return News{}, none, err
	}
	var news News
	if h.from > p.peer {
		p.begin(h.from)
		news.Began = true
	}
	if h.to != p.self {
		if h.to != 0 {
			return news, none, ErrStale
		}
		p.outgoing.hurry = true // the peer has to learn of this process
		return news, none, nil
	}
	if h.acked > p.outgoing.number {
		return news, none, ErrMalformed
	}
	news.Lost = p.outgoing.acknowledged(h.acked, h.holes)
	fresh, hole := p.incoming.count(now, h.number, len(frames))
	if hole {
		p.Counts.Holes++
		news.Hole = true
		p.outgoing.hurry = true
	}
	if !fresh {
		return news, none, nil
	}
	return news, p.each(frames), nil
}

// begin forgets the former process of the peer.
func (p *Peer) begin(peer uint64) {
	p.Counts.Dropped += uint64(p.outgoing.drop())
	p.peer = peer
	p.outgoing = outgoing{spare: p.outgoing.spare, hurry: true}
	p.incoming = incoming{}
}

// each yields the frames.
func (p *Peer) each(frames []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(frames) > 0 {
			var frame []byte
			frame, frames = cut(frames)
			p.Counts.Received++
			if !yield(frame) {
				return
			}
		}
	}
}

func none(func([]byte) bool) {}

// count takes note of a parcel. fresh says that its frames count, and hole that frames before them are missing.
func (in *incoming) count(now time.Duration, number uint64, bytes int) (fresh, hole bool) {
	fresh = bytes > 0 && number > in.number
	before := number // the parcel that came before, if none is missing
	if fresh {
		before--
	}
	if hole = before > in.number; hole {
		in.holes++
	}
	in.number = max(in.number, number)
	if bytes > 0 {
		if in.unacked == 0 {
			in.since = now
		}
		in.unacked += bytes
	}
	return fresh, hole
}

// due reports whether the peer has waited long enough for an acknowledgement.
func (in *incoming) due(now time.Duration) bool {
	return in.unacked >= ackBytes || in.unacked > 0 && now-in.since >= ackDelay
}
