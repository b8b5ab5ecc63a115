package inbox

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Inbox holds the events that wait for one user. It belongs to the user's actor.
type Inbox struct {
	tenant  *Tenant // static
	waiting []waiting
	bytes   int
}

type waiting struct {
	event *protocol.Event
	until time.Time
}

// MaxBytes bounds one inbox, beside its Bounds.
const MaxBytes = 256 << 10

// beside is how many bytes an event takes up beside its data.
const beside = 256

func size(ev *protocol.Event) int { return len(ev.Data) + beside }

// Put adds an event and returns how many others it forgot for it.
func (in *Inbox) Put(ev *protocol.Event, now time.Time) (forgotten int) {
	most := in.tenant.bounds.Count
	forgotten = in.Expire(now)
	for len(in.waiting) > 0 && (len(in.waiting) >= most || in.bytes+size(ev) > MaxBytes) {
		in.removeOldest()
		forgotten++
	}
	in.waiting = append(in.waiting, waiting{ev, now.Add(in.tenant.bounds.Age)})
	in.count(size(ev))
	return forgotten
}

// Expire forgets the events that have waited too long, and returns how many.
func (in *Inbox) Expire(now time.Time) (forgotten int) {
	for !in.Empty() && !now.Before(in.Next()) {
		in.removeOldest()
		forgotten++
	}
	if in.Empty() {
		in.waiting = nil
	}
	return forgotten
}

// Deliver gives the events to take, oldest first, until take refuses one. That one and those after it wait on.
func (in *Inbox) Deliver(take func(*protocol.Event) bool) {
	for !in.Empty() && take(in.waiting[0].event) {
		in.removeOldest()
	}
}

// Empty reports whether nothing waits.
func (in *Inbox) Empty() bool { return len(in.waiting) == 0 }

// Next is when Expire will forget an event. The inbox is not empty.
func (in *Inbox) Next() time.Time { return in.waiting[0].until }

// Close takes an empty inbox off the count of its tenant; it is not used any more.
func (in *Inbox) Close() { in.tenant.inboxes.Add(-1) }

func (in *Inbox) removeOldest() {
	in.count(-size(in.waiting[0].event))
	in.waiting[0] = waiting{}
	in.waiting = in.waiting[1:]
}

func (in *Inbox) count(bytes int) {
	in.bytes += bytes
	in.tenant.bytes.Add(int64(bytes))
}
