package actors

import (
	"context"
	"sync"
	"sync/atomic"
)

// Backlog is how many bytes wait in all outboxes whose peers are reading. Publishers wait while it is high, so that the
// answer to a publish feels the sockets; peers that do not read are not counted, since they must slow down nobody.
type Backlog struct {
	bytes atomic.Int64
	high  int64 // publishers wait above it
	low   int64 // and go on below it

	mu      sync.Mutex
	opened  chan struct{} // closed when the backlog has fallen below low; nil while nobody waits
	waiting atomic.Bool
}

func newBacklog(high int64) *Backlog { return &Backlog{high: high, low: high / 2} }

func (b *Backlog) add(n int) {
	if now := b.bytes.Add(int64(n)); n < 0 && now <= b.low && b.waiting.Load() {
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

// full reports whether a publisher has to wait: above high, and above low as long as others wait, since they were first.
func (b *Backlog) full() bool {
	bytes := b.bytes.Load()
	return bytes > b.high || bytes > b.low && b.waiting.Load()
}

// wait returns when publishing may go on, or with the context's error.
func (b *Backlog) wait(ctx context.Context) error {
	for b.full() {
		b.mu.Lock()
		if b.opened == nil {
			b.opened = make(chan struct{})
		}
		opened := b.opened
		b.waiting.Store(true)
		b.mu.Unlock()
		if b.bytes.Load() <= b.low { // it fell before we were seen waiting
			b.open()
			return nil
		}
		select {
		case <-opened:
		case <-ctx.Done():
			b.open() // the others look again: it may stay above low for long, and is not above high
			return ctx.Err()
		}
	}
	return nil
}
