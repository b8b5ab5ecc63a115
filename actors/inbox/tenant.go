package inbox

import (
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Bounds are those of each inbox.
type Bounds struct {
	Count int // events; 0 is no inboxes
	Age   time.Duration
}

// Tenant opens the inboxes of one tenant and bounds them together. Any goroutine may use it.
type Tenant struct {
	bounds  Bounds       // static
	inboxes atomic.Int64 // open ones, each with events
	bytes   atomic.Int64 // in all inboxes
}

// These bound the inboxes of one tenant.
const (
	maxInboxes     = 100_000
	maxTenantBytes = 64 << 20
)

// NewTenant has no inboxes yet.
func NewTenant(bounds Bounds) *Tenant { return &Tenant{bounds: bounds} }

// Open makes an inbox, into which an event will be put. Its user closes it when it is empty.
func (t *Tenant) Open() *Inbox {
	t.inboxes.Add(1)
	return &Inbox{tenant: t}
}

// Accepts reports whether an event is one that waits, if there is room.
func (t *Tenant) Accepts(ev *protocol.Event) bool {
	return t.bounds.Count > 0 && ev.Kind == protocol.Message && size(ev) <= MaxBytes
}

// Full reports whether the inboxes have no room for one more event.
func (t *Tenant) Full() bool {
	return t.inboxes.Load() >= maxInboxes || t.bytes.Load() >= maxTenantBytes
}

// Stats are how many inboxes are open, and the bytes in them.
func (t *Tenant) Stats() (inboxes, bytes int64) { return t.inboxes.Load(), t.bytes.Load() }

// Reset forgets the counts, since all users of the tenant end.
func (t *Tenant) Reset() {
	t.inboxes.Store(0)
	t.bytes.Store(0)
}
