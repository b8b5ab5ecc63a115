package outbox

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
type Backpressure struct {
	bytes atomic.Int64
	limit int64         // what may wait for however many readers; of the node alone
	node  *Backpressure // the node's, of which this is a part; nil for the node's own

	readers       atomic.Int64  // connections; of the node alone
	activeTenants atomic.Int64  // parts that are not 0
	Lost          atomic.Uint64 // frames that gave way to newer ones; of parts

	mu      sync.Mutex
	wake    chan struct{} // closed when the backlog has fallen below low; nil while nobody waits
	waiting atomic.Bool
}

const (
	// perReader is how much may wait for each connection, in bytes on average: some nine events, which then leave in one system call.
	// More makes each of them cheaper and all of them later (bench/NOTES.md).
	perReader = 2 << 10

	// leastBacklog is how much may wait for however few, in bytes.
	minBackpressure = 2 << 20
)

func NewBackpressure(limit int64) *Backpressure { return &Backpressure{limit: limit} }

// join counts connections that come (1) or go (-1).
func (b *Backpressure) AddReaders(n int64) { b.readers.Add(n) }

// Bytes is how many bytes wait.
func (b *Backpressure) Bytes() int64 { return b.bytes.Load() }

// ActiveTenants is for how many tenants something waits.
func (b *Backpressure) ActiveTenants() int64 { return b.activeTenants.Load() }

// high is above what the publishers of all tenants wait.
func (b *Backpressure) nodeHigh() int64 {
	return min(b.limit, max(minBackpressure, b.readers.Load()*perReader))
}

// part is a tenant's.
func (b *Backpressure) Tenant() *Backpressure { return &Backpressure{node: b} }

func (b *Backpressure) Add(n int) {
	if n == 0 {
		return
	}
	now := b.bytes.Add(int64(n))
	if b.node != nil {
		switch before := now - int64(n); {
		case before <= 0 && now > 0:
			b.node.activeTenants.Add(1)
		case before > 0 && now <= 0:
			b.node.activeTenants.Add(-1)
		}
		b.node.Add(n)
	}
	if n < 0 && b.waiting.Load() && now <= b.low() {
		b.wakeAll()
	}
}

func (b *Backpressure) wakeAll() {
	b.mu.Lock()
	if b.wake != nil {
		close(b.wake)
		b.wake = nil
	}
	b.waiting.Store(false)
	b.mu.Unlock()
}

// most is above what publishers wait.
func (b *Backpressure) high() int64 {
	if b.node == nil {
		return b.nodeHigh()
	}
	return b.node.nodeHigh() / max(b.node.activeTenants.Load(), 1)
}

// least is below what they go on.
func (b *Backpressure) low() int64 { return b.high() / 2 }

// full reports whether a publisher has to wait: above most, and above least as long as others wait, since they were first.
// A part is not full while the whole is not.
func (b *Backpressure) Full() bool {
	if b.node != nil && !b.node.Full() {
		return false
	}
	bytes := b.bytes.Load()
	return bytes > b.high() || bytes > b.low() && b.waiting.Load()
}

// wait returns when publishing may go on, or with the context's error.
func (b *Backpressure) Wait(ctx context.Context) error {
	for b.Full() {
		own, node := b.wakeup(), (chan struct{})(nil)
		if b.node != nil {
			node = b.node.wakeup()
		}
		if b.wakeIfLow() { // before we were seen waiting
			return nil
		}
		select {
		case <-own:
		case <-node:
		case <-ctx.Done():
			b.wakeAll() // the others look again: it may stay above low for long, and is not above high
			if b.node != nil {
				b.node.wakeAll()
			}
			return ctx.Err()
		}
	}
	return nil
}

// queue is closed when it is worth to look again.
func (b *Backpressure) wakeup() chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wake == nil {
		b.wake = make(chan struct{})
	}
	b.waiting.Store(true)
	return b.wake
}

// fell reports whether the backlog is low, here or in the whole, and tells all who wait for that.
func (b *Backpressure) wakeIfLow() bool {
	isLow := b.bytes.Load() <= b.low()
	if isLow {
		b.wakeAll()
	}
	return b.node != nil && b.node.wakeIfLow() || isLow
}
