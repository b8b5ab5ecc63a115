package link

import (
	"encoding/binary"
	"time"
)

// outgoing is what goes to the peer.
type outgoing struct {
	number   uint64 // of the newest parcel with frames
	waiting  []batch
	queued   int      // bytes in waiting
	spare    [][]byte // buffers of batches that were sent
	inFlight []sent
	bytes    int           // in inFlight
	holes    uint64        // that the peer has told of
	last     time.Duration // when the newest parcel was packed
	hurry    bool          // a parcel is due at once
	behind   bool          // until there is credit again
}

// batch is the frames of a parcel that was not packed yet.
type batch struct {
	frames []byte
	count  int
	since  time.Duration
}

// sent is a parcel that is on its way.
type sent struct {
	number uint64
	bytes  int
}

// maxSpare is how many buffers are kept for batches to come.
const maxSpare = 4

// open reports whether there is credit for one more parcel.
func (out *outgoing) open() bool { return out.bytes < Credit && len(out.inFlight) < maxInFlight }

// late reports whether frames have waited too long.
func (out *outgoing) late(now time.Duration) bool {
	return len(out.waiting) > 0 && now-out.waiting[0].since > Patience
}

// add puts a frame behind those that wait.
func (out *outgoing) add(now time.Duration, frame []byte) {
	last := len(out.waiting) - 1
	if last < 0 || len(out.waiting[last].frames) >= packBytes {
		var buffer []byte
		if n := len(out.spare); n > 0 {
			buffer, out.spare = out.spare[n-1], out.spare[:n-1]
		}
		out.waiting = append(out.waiting, batch{frames: buffer, since: now})
		last++
	}
	b := &out.waiting[last]
	before := len(b.frames)
	b.frames = binary.AppendUvarint(b.frames, uint64(len(frame)))
	b.frames = append(b.frames, frame...)
	b.count++
	out.queued += len(b.frames) - before
}

// take appends the frames of the oldest batch to b.
func (out *outgoing) take(b []byte) []byte {
	first := out.waiting[0]
	b = append(b, first.frames...)
	out.inFlight = append(out.inFlight, sent{out.number, len(first.frames)})
	out.bytes += len(first.frames)
	out.queued -= len(first.frames)
	out.recycle(first.frames)
	copy(out.waiting, out.waiting[1:])
	out.waiting = out.waiting[:len(out.waiting)-1]
	return b
}

func (out *outgoing) recycle(buffer []byte) {
	if len(out.spare) < maxSpare && cap(buffer) <= 2*packBytes {
		out.spare = append(out.spare, buffer[:0])
	}
}

// drop forgets what waits, and returns how many frames that were.
func (out *outgoing) drop() (frames int) {
	for _, b := range out.waiting {
		frames += b.count
		out.recycle(b.frames)
	}
	clear(out.waiting)
	out.waiting, out.queued = out.waiting[:0], 0
	return frames
}

// acknowledged gives credit back for all parcels up to a number: those that were lost on the way as well. It reports
// whether the peer has found another hole.
func (out *outgoing) acknowledged(number, holes uint64) (lost bool) {
	done := 0
	for done < len(out.inFlight) && out.inFlight[done].number <= number {
		out.bytes -= out.inFlight[done].bytes
		done++
	}
	if done > 0 {
		out.inFlight = append(out.inFlight[:0], out.inFlight[done:]...)
	}
	lost = holes > out.holes
	out.holes = max(out.holes, holes)
	return lost
}
