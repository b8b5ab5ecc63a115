package logline

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"sync"
	"syscall"
	"time"
)

// Bounds of a Queue. A burst of a busy second fits; a reader that has stopped costs this much memory, twice, and no
// more.
const (
	maxQueuedBytes = 1 << 20
	maxQueuedLines = 8192
)

// Queue is a writer that never blocks: it keeps lines until a goroutine of its own has written them to a stream that
// may be slow, full or closed. A line that finds no room, or that the stream refuses, is lost and counted. When the
// stream takes lines again, one line more says how many were lost.
//
// A Write is taken for whole lines, as [log/slog] writes them.
type Queue struct {
	out    io.Writer
	notice func(lost uint64) []byte // the line about lost ones; nil says nothing
	ended  chan struct{}            // closed when the goroutine has ended

	mu      sync.Mutex // guards what follows
	waiting []byte
	lines   int           // in waiting
	writing bool          // the goroutine is writing what it took
	idle    chan struct{} // closed when nothing waits or is being written; nil if nobody waits for that
	closed  bool
	more    chan struct{} // has a token when there is something to do
	lost    Lost
	told    uint64 // how many of the lost lines a line told of

	torn bool // the stream has part of a line; the goroutine's
}

// Lost counts lines that nobody can read.
type Lost struct {
	Full   uint64 // found no room in the queue, since the stream took nothing
	Failed uint64 // were refused by the stream
}

// NewQueue makes a queue before a stream; notice makes the line, with its newline, that says how many were lost, nil
// says nothing. Close ends it.
func NewQueue(out io.Writer, notice func(lost uint64) []byte) *Queue {
	q := &Queue{out: out, notice: notice, ended: make(chan struct{}), more: make(chan struct{}, 1)}
	go q.run()
	return q
}

// Open makes a logger, as [New] does, that never blocks on its stream. Close ends its queue.
func Open(out io.Writer, format, level string) (*slog.Logger, *Queue, error) {
	var line bytes.Buffer
	own, err := New(&line, format, "warn")
	if err != nil {
		return nil, nil, err
	}
	q := NewQueue(out, func(lost uint64) []byte {
		line.Reset()
		own.Warn("lines of this log were lost, since nobody read them in time or the stream was broken", "lines", lost)
		return line.Bytes()
	})
	log, err := New(q, format, level)
	if err != nil {
		q.Close(0)
		return nil, nil, err
	}
	return log, q, nil
}

// Write implements io.Writer. It never blocks and never fails: what becomes of the lines, Lost tells.
func (q *Queue) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	lines := max(1, bytes.Count(p, newline))
	if q.closed || q.lines+lines > maxQueuedLines || len(q.waiting)+len(p) > maxQueuedBytes {
		q.lost.Full += uint64(lines)
		return len(p), nil
	}
	q.waiting = append(q.waiting, p...)
	q.lines += lines
	q.wake()
	return len(p), nil
}

var newline = []byte{'\n'}

// wake is for who holds the lock.
func (q *Queue) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// Lost tells how many lines were lost so far.
func (q *Queue) Lost() Lost {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lost
}

// Flush waits until all lines are written or lost, but not longer than within. It reports whether they are.
func (q *Queue) Flush(within time.Duration) bool {
	q.mu.Lock()
	if q.lines == 0 && !q.writing {
		q.mu.Unlock()
		return true
	}
	if q.idle == nil {
		q.idle = make(chan struct{})
	}
	idle := q.idle
	q.mu.Unlock()
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-idle:
		return true
	case <-late.C:
		return false
	}
}

// Close flushes, and ends the goroutine; lines that come later are lost. A goroutine that is stuck in a write stays
// there until the stream lets go of it or the process ends. It reports whether the goroutine has ended.
func (q *Queue) Close(within time.Duration) bool {
	until := time.Now().Add(within)
	q.Flush(within)
	q.mu.Lock()
	q.closed = true
	q.wake()
	q.mu.Unlock()
	late := time.NewTimer(time.Until(until))
	defer late.Stop()
	select {
	case <-q.ended:
		return true
	case <-late.C:
		return false
	}
}

func (q *Queue) run() {
	defer close(q.ended)
	var batch []byte
	for open := true; open; {
		<-q.more
		var full uint64
		batch, full, open = q.take(batch)
		q.write(batch)
		q.tell(full)
		q.rest()
	}
}

// take exchanges an empty buffer for what waits. Behind it, so many lines found no room by now.
func (q *Queue) take(empty []byte) (batch []byte, full uint64, open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	batch, q.waiting, q.lines, q.writing = q.waiting, empty[:0], 0, true
	return batch, q.lost.Full, !q.closed
}

// rest says that nothing is being written.
func (q *Queue) rest() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.writing = false
	if q.lines == 0 && q.idle != nil {
		close(q.idle)
		q.idle = nil
	}
}

// write writes lines one by one, so that each one is in the stream or lost.
func (q *Queue) write(batch []byte) {
	for len(batch) > 0 {
		end := bytes.IndexByte(batch, '\n') + 1
		if end == 0 {
			end = len(batch)
		}
		if !q.put(batch[:end]) {
			q.mu.Lock()
			q.lost.Failed++
			q.mu.Unlock()
		}
		batch = batch[end:]
	}
}

// tell says how many lines were lost, if the stream takes that; full is how many of them found no room.
func (q *Queue) tell(full uint64) {
	lost := full + q.Lost().Failed
	if q.notice != nil && lost > q.told && q.put(q.notice(lost-q.told)) {
		q.told = lost
	}
}

// againAfter is between two attempts at a stream that somebody else made non-blocking, and that is full.
const againAfter = 10 * time.Millisecond

// put writes one line, and reports whether all of it is in the stream.
func (q *Queue) put(line []byte) bool {
	if q.torn { // the rest of the line before is lost
		if n, _ := q.out.Write(newline); n == 0 {
			return false
		}
		q.torn = false
	}
	for left := line; ; {
		n, err := q.out.Write(left)
		left = left[n:]
		switch {
		case len(left) == 0:
			return true
		case errors.Is(err, syscall.EAGAIN):
			time.Sleep(againAfter)
		case err != nil || n == 0:
			q.torn = len(left) < len(line)
			return false
		}
	}
}
