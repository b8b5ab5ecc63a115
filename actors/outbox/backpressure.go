package outbox

import (
	"context"
	"sync"
	"sync/atomic"
)

// Backpressure counts the bytes that wait in all outboxes of a tenant whose peers are reading; each tenant's is a part
// of the node's. Publishers wait while it is above a high mark, so that the answer to a publish comes at the pace of
// the sockets, and go on below a low mark, half of that. Peers that do not read are not counted, since they must slow
// down nobody.
//
// When the node is above its high mark, the publishers of those tenants wait whose part is above a fair share: the
// node's high mark divided by the tenants for which bytes wait. So all tenants together stay below twice the high mark,
// and a quiet tenant's publisher does not wait for the readers of a noisy one.
//
// Many goroutines may use it at once; only Wait blocks.
type Backpressure struct {
	bytes atomic.Int64
	limit int64         // the highest high mark, however many readers there are; of the node alone
	node  *Backpressure // the node's, of which this is a part; nil for the node's own

	readers       atomic.Int64  // connections; of the node alone
	batched       atomic.Int64  // bytes in outboxes that batch, which are not in bytes; of the node alone
	activeTenants atomic.Int64  // parts that are above 0; of the node alone
	Lost          atomic.Uint64 // frames that gave way to newer ones; of parts alone

	mu      sync.Mutex
	wake    chan struct{} // closed when waiting publishers are to look again; nil while none waits
	waiting atomic.Bool   // whether wake is not nil, for those without the lock
}

const (
	// perReader is how much may wait for each connection, in bytes on average: some nine events, which then leave in
	// one system call. More makes each of them cheaper and all of them later (bench/NOTES.md).
	perReader = 2 << 10

	// minBackpressure is the lowest high mark, however few readers there are, in bytes.
	minBackpressure = 2 << 20
)

// NewBackpressure makes a node's, of which at most limit bytes may wait before publishers do.
func NewBackpressure(limit int64) *Backpressure { return &Backpressure{limit: limit} }

// Tenant makes a tenant's part of a node's.
func (b *Backpressure) Tenant() *Backpressure { return &Backpressure{node: b} }

// AddReaders counts connections that come (n > 0) or go (n < 0), on the node's.
func (b *Backpressure) AddReaders(n int64) { b.readers.Add(n) }

// Bytes returns how many bytes wait.
func (b *Backpressure) Bytes() int64 { return b.bytes.Load() }

// Batched returns how many bytes wait for more in outboxes that batch, on the node's.
func (b *Backpressure) Batched() int64 { return b.batched.Load() }

// ActiveTenants returns for how many tenants bytes wait, on the node's.
func (b *Backpressure) ActiveTenants() int64 { return b.activeTenants.Load() }

// countLost counts frames that gave way to newer ones; on nil it does nothing.
func (b *Backpressure) countLost(frames int) {
	if b != nil && frames > 0 {
		b.Lost.Add(uint64(frames))
	}
}

// batch counts n more bytes in outboxes that batch, or -n fewer.
func (b *Backpressure) batch(n int) {
	if b.node != nil {
		b = b.node
	}
	b.batched.Add(int64(n))
}

// MayBatch reports whether events may wait for more of them: publishers are not too fast for the readers, and what
// outboxes batch is not too much, which is a third of the node's limit. It is false on nil.
func (b *Backpressure) MayBatch() bool {
	if b == nil || b.bytes.Load() > b.low() {
		return false
	}
	if b.node != nil {
		b = b.node
	}
	return b.batched.Load() <= b.limit/3
}

// nodeHigh returns the node's high mark, in bytes; it grows with the readers.
func (b *Backpressure) nodeHigh() int64 {
	return min(b.limit, max(minBackpressure, b.readers.Load()*perReader))
}

// Add counts n more bytes that wait, or -n fewer, here and on the node's. It wakes publishers when their bytes have
// fallen to the low mark.
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

// wakeAll has all waiting publishers look again.
func (b *Backpressure) wakeAll() {
	b.mu.Lock()
	if b.wake != nil {
		close(b.wake)
		b.wake = nil
	}
	b.waiting.Store(false)
	b.mu.Unlock()
}

// high returns the high mark, above which publishers wait.
func (b *Backpressure) high() int64 {
	if b.node == nil {
		return b.nodeHigh()
	}
	return b.node.nodeHigh() / max(b.node.activeTenants.Load(), 1)
}

// low returns the low mark, at which they go on.
func (b *Backpressure) low() int64 { return b.high() / 2 }

// Full reports whether a publisher has to wait: above the high mark, and above the low mark while others wait, since
// they were first. A tenant's part is not full while the node's is not.
func (b *Backpressure) Full() bool {
	if b.node != nil && !b.node.Full() {
		return false
	}
	bytes := b.bytes.Load()
	return bytes > b.high() || bytes > b.low() && b.waiting.Load()
}

// Wait blocks until publishing may go on, and returns nil, or the context's error if that ends first.
func (b *Backpressure) Wait(ctx context.Context) error {
	for b.Full() {
		own, node := b.wakeup(), (chan struct{})(nil)
		if b.node != nil {
			node = b.node.wakeup()
		}
		if b.wakeIfLow() { // it fell before Add saw us waiting
			return nil
		}
		select {
		case <-own:
		case <-node:
		case <-ctx.Done():
			b.wakeAll() // the others look again: the bytes may stay between the marks for long
			if b.node != nil {
				b.node.wakeAll()
			}
			return ctx.Err()
		}
	}
	return nil
}

// wakeup returns a channel that is closed when a waiting publisher is to look again.
func (b *Backpressure) wakeup() chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wake == nil {
		b.wake = make(chan struct{})
	}
	b.waiting.Store(true)
	return b.wake
}

// wakeIfLow reports whether the bytes are at the low mark, here or on the node, and wakes the publishers that wait for
// it.
func (b *Backpressure) wakeIfLow() bool {
	isLow := b.bytes.Load() <= b.low()
	if isLow {
		b.wakeAll()
	}
	return b.node != nil && b.node.wakeIfLow() || isLow
}
