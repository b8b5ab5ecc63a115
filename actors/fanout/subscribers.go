package fanout

import (
	"math"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// audience is who hears a topic: its subscribers, in groups that hear the same bytes. It belongs to the topic's actor.
type Subscribers struct {
	groups []*encodingGroup
	index  *index // nil while there are few subscribers
}

// index finds subscribers and groups when there are many. It takes up 50 bytes a subscriber, and 600 with the first.
type index struct {
	slots  map[*outbox.Outbox]slot
	groups map[groupKey]*encodingGroup
}

// An audience has an index from manySeats subscribers on, and none any more from fewSeats on: the searches for those of
// up to eight take no longer than two look-ups.
const (
	indexedFrom  = 9
	indexedUntil = 4
)

// place says where a subscriber is.
type slot struct {
	group *encodingGroup
	at    int
}

// group are the subscribers of one dialect with one interest.
type encodingGroup struct {
	dialect     protocol.Dialect
	filters     *Filters
	subscribers []subscriber
	number      int       // its place among the groups
	throttle    *throttle // nil if nothing was ever held back
}

// groupKey is what the subscribers of a group have in common.
type groupKey struct {
	dialect  protocol.Dialect
	interest string
}

func (g *encodingGroup) key() groupKey { return groupKey{g.dialect, g.filters.key} }

// seat is a subscriber in its group.
type subscriber struct {
	outbox *outbox.Outbox
	// since is the topic's offset at which it came: what was held back by then is not for it.
	since uint64
}

// unheld is later than every offset: an event that was not held back is for all seats.
const notHeld = math.MaxUint64

// count is how many subscribers there are.
func (a *Subscribers) Count() int {
	if a.index != nil {
		return len(a.index.slots)
	}
	n := 0
	for _, g := range a.groups {
		n += len(g.subscribers)
	}
	return n
}

func (a *Subscribers) find(o *outbox.Outbox) (at slot, ok bool) {
	if a.index != nil {
		at, ok = a.index.slots[o]
		return at, ok
	}
	for _, g := range a.groups {
		for i := range g.subscribers {
			if g.subscribers[i].outbox == o {
				return slot{g, i}, true
			}
		}
	}
	return slot{}, false
}

// interest is the interest of a subscriber, nil if it is none.
func (a *Subscribers) FiltersOf(o *outbox.Outbox) *Filters {
	if at, ok := a.find(o); ok {
		return at.group.filters
	}
	return nil
}

// Set adds a subscriber of a dialect, or gives it other filters. offset is the topic's newest. A subscriber that changes
// its filters gets what is held back for it now, since nobody would release it later.
func (a *Subscribers) Set(e Encoder, o *outbox.Outbox, d protocol.Dialect, filters *Filters, offset uint64) (out Delivered) {
	if at, ok := a.find(o); ok {
		if at.group.filters.key == filters.key {
			return out
		}
		at.group.flushTo(e, at.group.subscribers[at.at], filters, &out)
		a.Remove(o)
	}
	a.add(subscriber{o, offset}, d, filters)
	return out
}

func (a *Subscribers) add(s subscriber, d protocol.Dialect, filters *Filters) *encodingGroup {
	g := a.group(groupKey{d, filters.key}, filters)
	g.subscribers = append(g.subscribers, s)
	if a.index != nil {
		a.index.slots[s.outbox] = slot{g, len(g.subscribers) - 1}
	} else if a.Count() >= indexedFrom {
		a.makeIndex()
	}
	return g
}

func (a *Subscribers) makeIndex() {
	a.index = &index{slots: map[*outbox.Outbox]slot{}, groups: map[groupKey]*encodingGroup{}}
	for _, g := range a.groups {
		a.index.groups[g.key()] = g
		for i := range g.subscribers {
			a.index.slots[g.subscribers[i].outbox] = slot{g, i}
		}
	}
}

// group is the group with that key; it is made if there is none.
func (a *Subscribers) group(key groupKey, it *Filters) *encodingGroup {
	if a.index != nil {
		if g := a.index.groups[key]; g != nil {
			return g
		}
	} else {
		for _, g := range a.groups {
			if g.key() == key {
				return g
			}
		}
	}
	g := &encodingGroup{dialect: key.dialect, filters: it, number: len(a.groups)}
	a.groups = append(a.groups, g)
	if a.index != nil {
		a.index.groups[key] = g
	}
	return g
}

// remove takes a subscriber out; one that is not in is ignored.
func (a *Subscribers) Remove(o *outbox.Outbox) {
	at, ok := a.find(o)
	if !ok {
		return
	}
	g := at.group
	last := len(g.subscribers) - 1
	moved := g.subscribers[last]
	g.subscribers[at.at], g.subscribers[last] = moved, subscriber{}
	g.subscribers = g.subscribers[:last]
	if a.index != nil {
		a.index.slots[moved.outbox] = at
		delete(a.index.slots, o)
	}
	if last == 0 {
		a.drop(g)
	}
	switch left := a.Count(); {
	case left == 0:
		*a = Subscribers{}
	case left <= indexedUntil:
		a.index = nil
	}
}

// drop removes a group without subscribers.
func (a *Subscribers) drop(g *encodingGroup) {
	last := len(a.groups) - 1
	moved := a.groups[last]
	moved.number, a.groups[g.number], a.groups[last] = g.number, moved, nil
	a.groups = a.groups[:last]
	if a.index != nil {
		delete(a.index.groups, g.key())
	}
}

// rebuild makes groups and index anew, after a failure may have left them in disorder. What is held back stays held
// back.
func (a *Subscribers) Rebuild() {
	before := a.groups
	*a = Subscribers{}
	for _, g := range before {
		for _, s := range g.subscribers {
			if _, twice := a.find(s.outbox); !twice {
				a.add(s, g.dialect, g.filters).throttle = g.throttle
			}
		}
	}
}

// Encoder makes the frame of an event in a dialect, as a projection leaves it; nil if the dialect has no words for it.
// born is when the event was published, in Unix nanoseconds.
type Encoder interface {
	Encode(d protocol.Dialect, projection protocol.Projection, ev *protocol.Event, born int64) *outbox.Frame
}

// Delivered is what became of some frames.
type Delivered struct {
	Count int              // how many outboxes took one
	Full  []*outbox.Outbox // outboxes that had no room: their connections are too slow
	Next  time.Time        // when what is held back has to be flushed; zero if nothing is
}

// Deliver gives a publication, which has this offset, to all who want it. Groups that want fewer events hear it later, or
// a newer one in its place.
func (a *Subscribers) Deliver(e Encoder, p *Delivery, offset uint64, now time.Time) (out Delivered) {
	for _, g := range a.groups {
		projection, every, ok := g.filters.Select(p.Event)
		if !ok {
			continue
		}
		if every > 0 {
			if g.throttle == nil {
				g.throttle = &throttle{}
			}
			if wait := g.throttle.hold(p, offset, every, now); !wait.IsZero() {
				out.Next = earlier(out.Next, wait)
				continue
			}
		}
		g.offer(p.Frame(e, g.dialect, projection), p.Exclude, notHeld, &out)
	}
	return out
}

// Flush delivers what was held back and is due now.
func (a *Subscribers) Flush(e Encoder, now time.Time) (out Delivered) {
	for _, g := range a.groups {
		if g.throttle == nil {
			continue
		}
		for _, h := range g.throttle.release(now) {
			if projection, _, ok := g.filters.Select(h.event); ok {
				g.offer(h.frame(e, g.dialect, projection, now), h.exclude, h.offset, &out)
			}
		}
		out.Next = earlier(out.Next, g.throttle.due())
	}
	return out
}

// FlushTo gives a subscriber what is held back for it.
func (a *Subscribers) FlushTo(e Encoder, o *outbox.Outbox) (out Delivered) {
	if at, ok := a.find(o); ok {
		at.group.flushTo(e, at.group.subscribers[at.at], at.group.filters, &out)
	}
	return out
}

// flushTo gives a subscriber that gets other filters what the group holds back for it.
func (g *encodingGroup) flushTo(e Encoder, s subscriber, next *Filters, out *Delivered) {
	if g.throttle == nil {
		return
	}
	for _, h := range g.throttle.pending() {
		if h.offset <= s.since || s.outbox.Number() == h.exclude && h.exclude != 0 {
			continue
		}
		if _, _, ok := next.Select(h.event); !ok {
			continue
		}
		if projection, _, ok := g.filters.Select(h.event); ok {
			if f := h.frame(e, g.dialect, projection, time.Now()); f != nil {
				switch n := s.outbox.Offer(f); {
				case s.outbox.Charge(n):
					out.Count++
				case n == outbox.RefusedFull:
					out.Full = append(out.Full, s.outbox)
				}
			}
		}
	}
}

// frame is the pending event in a dialect.
func (h *pendingSample) frame(e Encoder, d protocol.Dialect, projection protocol.Projection, now time.Time) *outbox.Frame {
	f := e.Encode(d, projection, h.event, now.UnixNano())
	f.Bind(h.policy, h.event.Topic, h.event.Key)
	return f
}

// offer gives one frame to the group's subscribers that came before offset.
func (g *encodingGroup) offer(f *outbox.Frame, exclude, offset uint64, out *Delivered) {
	if f == nil {
		return
	}
	bytes, of := 0, (*outbox.Backpressure)(nil)
	for i := range g.subscribers {
		o := g.subscribers[i].outbox
		if g.subscribers[i].since >= offset || exclude != 0 && o.Number() == exclude {
			continue
		}
		taken := o.Offer(f)
		if taken >= 0 {
			out.Count++
			if taken > 0 && of == nil {
				of = o.Backpressure()
			}
			bytes += taken
		} else if taken == outbox.RefusedFull {
			out.Full = append(out.Full, o)
		}
	}
	if bytes > 0 {
		of.Add(bytes) // all of them are of one tenant
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
