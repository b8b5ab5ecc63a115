package main

import (
	"slices"
	"time"
)

// maxBatch is how many bytes of frames end a window before its time; the frame that is one too many is among them.
const maxBatch = 64 << 10

// gather takes the frames that wait into the window, and answers their publishers. With a full window they wait.
func (l *loop) gather() {
	for l.window > 0 && len(l.next) > 0 && len(l.batch) < maxBatch {
		c := l.next[0]
		l.next = slices.Delete(l.next, 0, 1)
		if len(l.batch) == 0 {
			l.until = time.Now().Add(l.window)
		}
		l.batch = append(l.batch, c.frame...)
		l.release(c, len(l.sockets)-l.closed)
	}
}

// windowEnded reports whether what was gathered may be written.
func (l *loop) windowEnded() bool { return len(l.batch) >= maxBatch || !time.Now().Before(l.until) }

// timeout is how long the loop may wait for something to do, in milliseconds; -1 is forever. While it waits for room
// for one window, the end of the next is nothing to do.
func (l *loop) timeout() int {
	if len(l.batch) == 0 || l.now.frame != nil {
		return -1
	}
	return int(max(0, (time.Until(l.until)+time.Millisecond-1)/time.Millisecond))
}
