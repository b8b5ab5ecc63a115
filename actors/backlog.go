package actors

import (
	"context"
	"sync"
	"sync/atomic"
)

// Backlog is how many bytes wait in all outboxes of a tenant whose peers are reading; the tenants' are parts of that of
// the node. Publishers wait while it is high, so that the answer to a publish feels the sockets; peers that do not read
// are not counted, since they must slow down nobody.
//
// When the node's is high, those tenants wait whose part is above a fair share: what high allows, divided by the tenants
// for which something waits. So all together stay below twice high, and a quiet tenant's publisher does not wait for the
// readers of a noisy one.
type Backlog struct {
	bytes atomic.Int64
	limit int64    // what may wait for however many readers; of the node alone
	whole *Backlog // the node's, of which this is a part; nil for the node's own

	readers atomic.Int64  // connections; of the node alone
	sharers atomic.Int64  // parts that are not 0
	lost    atomic.Uint64 // frames that gave way to newer ones; of parts

	mu      sync.Mutex
	opened  chan struct{} // closed when the backlog has fallen below low; nil while nobody waits
	waiting atomic.Bool
}

const (
	// perReader is how much may wait for each connection, in bytes on average: some nine events, which then leave in one system call.
	// More makes each of them cheaper and all of them later (bench/NOTES.md).
	perReader = 2 << 10

	// leastBacklog is how much may wait for however few, in bytes.
	leastBacklog = 2 << 20
)

func newBacklog(limit int64) *Backlog { return &Backlog{limit: limit} }

// join counts connections that come (1) or go (-1).
func (b *Backlog) join(n int64) { b.readers.Add(n) }

// high is above what the publishers of all tenants wait.
func (b *Backlog) high() int64 {
	return min(b.limit, max(leastBacklog, b.readers.Load()*perReader))
}

// part is a tenant's.
func (b *Backlog) part() *Backlog { return &Backlog{whole: b} }

func (b *Backlog) add(n int) {
	if n == 0 {
		return
	}
	now := b.bytes.Add(int64(n))
	if b.whole != nil {
		switch before := now - int64(n); {
		case before <= 0 && now > 0:
			b.whole.sharers.Add(1)
		case before > 0 && now <= 0:
			b.whole.sharers.Add(-1)
		}
		b.whole.add(n)
	}
	if n < 0 && b.waiting.Load() && now <= b.least() {
		b.open()
	}
}

func (b *Backlog) open() {
	b.mu.Lock()
	if b.opened != nil {
		close(b.opened)
		b.opened = nil
	}
	b.waiting.Store(false)
	b.mu.Unlock()
}

// most is above what publishers wait.
func (b *Backlog) most() int64 {
	if b.whole == nil {
		return b.high()
	}
	return b.whole.high() / max(b.whole.sharers.Load(), 1)
}

// least is below what they go on.
func (b *Backlog) least() int64 { return b.most() / 2 }

// full reports whether a publisher has to wait: above most, and above least as long as others wait, since they were first.
// A part is not full while the whole is not.
func (b *Backlog) full() bool {
	if b.whole != nil && !b.whole.full() {
		return false
	}
	bytes := b.bytes.Load()
	return bytes > b.most() || bytes > b.least() && b.waiting.Load()
}

// wait returns when publishing may go on, or with the context's error.
func (b *Backlog) wait(ctx context.Context) error {
	for b.full() {
		mine, all := b.queue(), (chan struct{})(nil)
		if b.whole != nil {
			all = b.whole.queue()
		}
		if b.fell() { // before we were seen waiting
			return nil
		}
		select {
		case <-mine:
		case <-all:
		case <-ctx.Done():
			b.open() // the others look again: it may stay above low for long, and is not above high
			if b.whole != nil {
				b.whole.open()
			}
			return ctx.Err()
		}
	}
	return nil
}

// queue is closed when it is worth to look again.
func (b *Backlog) queue() chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.opened == nil {
		b.opened = make(chan struct{})
	}
	b.waiting.Store(true)
	return b.opened
}

// fell reports whether the backlog is low, here or in the whole, and tells all who wait for that.
func (b *Backlog) fell() bool {
	low := b.bytes.Load() <= b.least()
	if low {
		b.open()
	}
	return b.whole != nil && b.whole.fell() || low
}
