package fanout

import (
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Engine is what a topic's subscribers need of it.
type Engine interface {
	Encoder
	// TooSlow says that an outbox had no room: its connection has to end. It must not block, nor call Subscribers.
	TooSlow(o *outbox.Outbox)
	// Place is the topic, and the position in it that has this offset.
	Place(offset uint64) (topic string, at protocol.Position)
	// When says when a delivery wakes the transports that sleep.
	When(d *Delivery) outbox.When
}

// Subscribers are those of one topic, in groups that get the same bytes. They belong to the topic's actor. The zero
// Subscribers are ready.
type Subscribers struct {
	groups []*encodingGroup
	index  *index  // nil while there are few subscribers
	latest *latest // nil if the topic never held events back
}

// index finds subscribers and groups when there are many. It takes 50 bytes a subscriber, and 600 with the first.
type index struct {
	slots  map[*outbox.Outbox]slot
	groups map[groupKey]*encodingGroup
}

// Subscribers get an index when they become indexedFrom, and lose it when they fall to indexedUntil: to search up to
// eight takes no longer than two look-ups.
const (
	indexedFrom  = 9
	indexedUntil = 4
)

// slot says where a subscriber is.
type slot struct {
	group *encodingGroup
	at    int // in group.subscribers
}

// Count returns how many subscribers there are.
func (s *Subscribers) Count() int {
	if s.index != nil {
		return len(s.index.slots)
	}
	n := 0
	for _, g := range s.groups {
		n += len(g.subscribers)
	}
	return n
}

// find returns where a subscriber is, and whether it is one.
func (s *Subscribers) find(o *outbox.Outbox) (at slot, ok bool) {
	if s.index != nil {
		at, ok = s.index.slots[o]
		return at, ok
	}
	for _, g := range s.groups {
		for i := range g.subscribers {
			if g.subscribers[i].outbox == o {
				return slot{g, i}, true
			}
		}
	}
	return slot{}, false
}

// FiltersOf returns the filters of a subscriber, nil if it is none.
func (s *Subscribers) FiltersOf(o *outbox.Outbox) *Filters {
	if at, ok := s.find(o); ok {
		return at.group.filters
	}
	return nil
}

// Set adds a subscriber of a dialect, or gives it other filters. offset is the topic's newest. A subscriber that
// changes its filters gets now what is held back for it, since nothing would release that later. It returns how many
// events that were.
func (s *Subscribers) Set(
	e Engine, o *outbox.Outbox, d protocol.Dialect, filters *Filters, offset uint64,
) (flushed int) {
	if at, ok := s.find(o); ok {
		if at.group.filters.key == filters.key {
			return 0
		}
		flushed = at.group.flushTo(e, at.group.subscribers[at.at], filters)
		flushed += s.FlushLatestTo(e, o)
		s.Remove(o)
	}
	s.latest.seal()
	s.add(subscriber{o, offset}, d, filters)
	return flushed
}

// add adds a subscriber, and returns its group.
func (s *Subscribers) add(sub subscriber, d protocol.Dialect, filters *Filters) *encodingGroup {
	g := s.group(groupKey{d, filters.key}, filters)
	g.subscribers = append(g.subscribers, sub)
	if s.index != nil {
		s.index.slots[sub.outbox] = slot{g, len(g.subscribers) - 1}
	} else if s.Count() >= indexedFrom {
		s.makeIndex()
	}
	return g
}

// makeIndex indexes all subscribers and groups.
func (s *Subscribers) makeIndex() {
	s.index = &index{slots: map[*outbox.Outbox]slot{}, groups: map[groupKey]*encodingGroup{}}
	for _, g := range s.groups {
		s.index.groups[g.key()] = g
		for i := range g.subscribers {
			s.index.slots[g.subscribers[i].outbox] = slot{g, i}
		}
	}
}

// group returns the group with this key; it makes one if there is none.
func (s *Subscribers) group(key groupKey, filters *Filters) *encodingGroup {
	if s.index != nil {
		if g := s.index.groups[key]; g != nil {
			return g
		}
	} else {
		for _, g := range s.groups {
			if g.key() == key {
				return g
			}
		}
	}
	g := &encodingGroup{dialect: key.dialect, filters: filters, number: len(s.groups)}
	s.groups = append(s.groups, g)
	if s.index != nil {
		s.index.groups[key] = g
	}
	return g
}

// Remove removes a subscriber. It ignores one that is not there.
func (s *Subscribers) Remove(o *outbox.Outbox) {
	at, ok := s.find(o)
	if !ok {
		return
	}
	g := at.group
	last := len(g.subscribers) - 1
	moved := g.subscribers[last]
	g.subscribers[at.at], g.subscribers[last] = moved, subscriber{}
	g.subscribers = g.subscribers[:last]
	if s.index != nil {
		s.index.slots[moved.outbox] = at
		delete(s.index.slots, o)
	}
	if last == 0 {
		s.drop(g)
	}
	switch left := s.Count(); {
	case left == 0:
		*s = Subscribers{}
	case left <= indexedUntil:
		s.index = nil
	}
}

// drop removes a group without subscribers.
func (s *Subscribers) drop(g *encodingGroup) {
	last := len(s.groups) - 1
	moved := s.groups[last]
	moved.number, s.groups[g.number], s.groups[last] = g.number, moved, nil
	s.groups = s.groups[:last]
	if s.index != nil {
		delete(s.index.groups, g.key())
	}
}

// Rebuild makes groups and index anew, after a failure may have left them in disorder. Events that are held back stay
// held back.
func (s *Subscribers) Rebuild() {
	before := s.groups
	*s = Subscribers{latest: s.latest}
	for _, g := range before {
		for _, sub := range g.subscribers {
			if _, twice := s.find(sub.outbox); !twice {
				s.add(sub, g.dialect, g.filters).throttle = g.throttle
			}
		}
	}
}

// Deliver gives an event, which has this offset, to all subscribers that want it. Groups that want fewer events get it
// later, or a newer one in its place. It returns how many outboxes took it, and when Flush is due for events that are
// held back; the zero time if there are none. Both stay small: a goroutine that grows its stack here costs more than a
// delivery.
func (s *Subscribers) Deliver(e Engine, d *Delivery, offset uint64, now time.Time) (delivered int, flush time.Time) {
	return s.deliver(e, d, offset, notHeld, now)
}

// deliver is Deliver to the subscribers that came before an offset.
func (s *Subscribers) deliver(
	e Engine, d *Delivery, offset, before uint64, now time.Time,
) (delivered int, flush time.Time) {
	when := e.When(d)
	for _, g := range s.groups {
		selected, ok := g.filters.Select(d.Event)
		if !ok {
			continue
		}
		if selected.every > 0 {
			if g.throttle == nil {
				g.throttle = &throttle{}
			}
			if wait := g.throttle.hold(d, offset, selected.every, now); !wait.IsZero() {
				flush = earlier(flush, wait)
				continue
			}
		}
		f := d.Frame(e, g.dialect, selected.of(d.Event, e, offset))
		delivered += g.offer(e, f, d.Exclude, before, when)
	}
	return delivered, flush
}

// Flush delivers the events that were held back and are due now. It returns as Deliver does.
func (s *Subscribers) Flush(e Engine, now time.Time) (delivered int, flush time.Time) {
	for _, g := range s.groups {
		if g.throttle == nil {
			continue
		}
		for _, sample := range g.throttle.release(now) {
			if selected, ok := g.filters.Select(sample.event); ok {
				f := sample.frame(e, g.dialect, &selected, now)
				delivered += g.offer(e, f, sample.exclude, sample.offset, outbox.AtOnce)
			}
		}
		flush = earlier(flush, g.throttle.due())
	}
	return delivered, flush
}

// FlushTo gives a subscriber the events that throttles hold back for it, and returns how many it took.
func (s *Subscribers) FlushTo(e Engine, o *outbox.Outbox) (delivered int) {
	if at, ok := s.find(o); ok {
		delivered = at.group.flushTo(e, at.group.subscribers[at.at], at.group.filters)
	}
	return delivered
}
