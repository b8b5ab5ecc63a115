package fanout

import (
	"math"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// encodingGroup holds the subscribers of a topic that have one dialect and equal filters, and so get the same bytes.
type encodingGroup struct {
	dialect     protocol.Dialect
	filters     *Filters
	subscribers []subscriber
	number      int       // its index in Subscribers.groups
	throttle    *throttle // nil if no event was ever held back
}

// groupKey is what the subscribers of a group have in common.
type groupKey struct {
	dialect protocol.Dialect
	filters string
}

func (g *encodingGroup) key() groupKey { return groupKey{g.dialect, g.filters.key} }

// subscriber is one connection in its group.
type subscriber struct {
	outbox *outbox.Outbox
	// since is the topic's newest offset when it came: an event that was held back by then is not for it.
	since uint64
}

// notHeld is above every offset: an event that was not held back is for all subscribers.
const notHeld = math.MaxUint64

// offer gives one frame to the group's subscribers that came before offset, except the connection with the number
// exclude, and returns how many took it. It does nothing for a nil frame.
func (g *encodingGroup) offer(e Engine, f *outbox.Frame, exclude, offset uint64, when outbox.When) (delivered int) {
	if f == nil {
		return 0
	}
	bytes, pressure := 0, (*outbox.Backpressure)(nil)
	for i := range g.subscribers {
		o := g.subscribers[i].outbox
		if g.subscribers[i].since >= offset || exclude != 0 && o.Number() == exclude {
			continue
		}
		taken := o.Offer(f, when)
		if taken >= 0 {
			delivered++
			if taken > 0 && pressure == nil {
				pressure = o.Backpressure()
			}
			bytes += taken
		} else if taken == outbox.RefusedFull {
			e.TooSlow(o)
		}
	}
	if bytes > 0 {
		pressure.Add(bytes) // all outboxes are of one tenant
	}
	return delivered
}

// flushTo gives a subscriber the events that the group holds back for it and that next wants as well, and returns how
// many it took.
func (g *encodingGroup) flushTo(e Engine, sub subscriber, next *Filters) (delivered int) {
	if g.throttle == nil {
		return 0
	}
	for _, sample := range g.throttle.pending() {
		if sample.offset <= sub.since || sub.outbox.Number() == sample.exclude && sample.exclude != 0 {
			continue
		}
		if _, ok := next.Select(sample.event); !ok {
			continue
		}
		selected, ok := g.filters.Select(sample.event)
		if !ok {
			continue
		}
		f := sample.frame(e, g.dialect, &selected, time.Now())
		if f == nil {
			continue
		}
		switch n := sub.outbox.Offer(f, outbox.AtOnce); {
		case sub.outbox.Charge(n):
			delivered++
		case n == outbox.RefusedFull:
			e.TooSlow(sub.outbox)
		}
	}
	return delivered
}
