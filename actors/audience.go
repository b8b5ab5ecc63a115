package actors

import (
	"math"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// audience is who hears a topic: its subscribers, in groups that hear the same bytes. It belongs to the topic's actor.
type audience struct {
	groups []*group
	index  *index // nil while there are few subscribers
}

// index finds subscribers and groups when there are many. It takes up 50 bytes a subscriber, and 600 with the first.
type index struct {
	places map[*Link]place
	groups map[groupKey]*group
}

// An audience has an index from manySeats subscribers on, and none any more from fewSeats on: the searches for those of
// up to eight take no longer than two look-ups.
const (
	manySeats = 9
	fewSeats  = 4
)

// place says where a subscriber is.
type place struct {
	group *group
	seat  int
}

// group are the subscribers of one dialect with one interest.
type group struct {
	dialect  protocol.Dialect
	interest *interest
	seats    []seat
	number   int   // its place among the groups
	pace     *pace // nil if nothing was ever held back
}

// groupKey is what the subscribers of a group have in common.
type groupKey struct {
	dialect  protocol.Dialect
	interest string
}

func (g *group) key() groupKey { return groupKey{g.dialect, g.interest.key} }

// seat is a subscriber in its group.
type seat struct {
	link *Link
	// since is the topic's offset at which it came: what was held back by then is not for it.
	since uint64
}

// unheld is later than every offset: an event that was not held back is for all seats.
const unheld = math.MaxUint64

// count is how many subscribers there are.
func (a *audience) count() int {
	if a.index != nil {
		return len(a.index.places)
	}
	n := 0
	for _, g := range a.groups {
		n += len(g.seats)
	}
	return n
}

func (a *audience) find(l *Link) (at place, ok bool) {
	if a.index != nil {
		at, ok = a.index.places[l]
		return at, ok
	}
	for _, g := range a.groups {
		for i := range g.seats {
			if g.seats[i].link == l {
				return place{g, i}, true
			}
		}
	}
	return place{}, false
}

// interest is the interest of a subscriber, nil if it is none.
func (a *audience) interest(l *Link) *interest {
	if at, ok := a.find(l); ok {
		return at.group.interest
	}
	return nil
}

// set adds a subscriber or gives it another interest. offset is the topic's newest. A subscriber that changes its
// interest gets what is held back for it now: nobody would release it later.
func (a *audience) set(n *Node, l *Link, it *interest, offset uint64) {
	if at, ok := a.find(l); ok {
		if at.group.interest.key == it.key {
			return
		}
		at.group.settle(n, at.group.seats[at.seat], it)
		a.remove(l)
	}
	a.add(seat{l, offset}, it)
}

func (a *audience) add(s seat, it *interest) *group {
	g := a.group(groupKey{s.link.dialect(), it.key}, it)
	g.seats = append(g.seats, s)
	if a.index != nil {
		a.index.places[s.link] = place{g, len(g.seats) - 1}
	} else if a.count() >= manySeats {
		a.makeIndex()
	}
	return g
}

func (a *audience) makeIndex() {
	a.index = &index{places: map[*Link]place{}, groups: map[groupKey]*group{}}
	for _, g := range a.groups {
		a.index.groups[g.key()] = g
		for i := range g.seats {
			a.index.places[g.seats[i].link] = place{g, i}
		}
	}
}

// group is the group with that key; it is made if there is none.
func (a *audience) group(key groupKey, it *interest) *group {
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
	g := &group{dialect: key.dialect, interest: it, number: len(a.groups)}
	a.groups = append(a.groups, g)
	if a.index != nil {
		a.index.groups[key] = g
	}
	return g
}

// remove takes a subscriber out; one that is not in is ignored.
func (a *audience) remove(l *Link) {
	at, ok := a.find(l)
	if !ok {
		return
	}
	g := at.group
	last := len(g.seats) - 1
	moved := g.seats[last]
	g.seats[at.seat], g.seats[last] = moved, seat{}
	g.seats = g.seats[:last]
	if a.index != nil {
		a.index.places[moved.link] = at
		delete(a.index.places, l)
	}
	if last == 0 {
		a.drop(g)
	}
	switch left := a.count(); {
	case left == 0:
		*a = audience{}
	case left <= fewSeats:
		a.index = nil
	}
}

// drop removes a group without subscribers.
func (a *audience) drop(g *group) {
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
func (a *audience) rebuild() {
	before := a.groups
	*a = audience{}
	for _, g := range before {
		for _, s := range g.seats {
			if _, twice := a.find(s.link); !twice {
				a.add(s, g.interest).pace = g.pace
			}
		}
	}
}

// deliver gives a publication, which has this offset, to all who want it and returns to how many. Groups that want
// fewer events hear it later, or a newer one instead; due says when the first of them has to be flushed.
func (a *audience) deliver(n *Node, p *publication, offset uint64, now time.Time) (delivered int, due time.Time) {
	for _, g := range a.groups {
		view, every, ok := g.interest.choose(p.event)
		if !ok {
			continue
		}
		if every > 0 {
			if g.pace == nil {
				g.pace = &pace{}
			}
			if wait := g.pace.hold(p, offset, every, now); !wait.IsZero() {
				due = earlier(due, wait)
				continue
			}
		}
		delivered += g.offer(n, p.frame(n, g.dialect, view), p.exclude, unheld)
	}
	return delivered, due
}

// flush delivers what was held back and is due now. next says when to come again.
func (a *audience) flush(n *Node, now time.Time) (next time.Time) {
	for _, g := range a.groups {
		if g.pace == nil {
			continue
		}
		for _, h := range g.pace.release(now) {
			if view, _, ok := g.interest.choose(h.event); ok {
				g.offer(n, h.frame(n, g.dialect, view, now), h.exclude, h.offset)
			}
		}
		next = earlier(next, g.pace.due())
	}
	return next
}

// settle gives a subscriber that gets another interest what the group holds back for it.
func (g *group) settle(n *Node, s seat, next *interest) {
	if g.pace == nil {
		return
	}
	for _, h := range g.pace.waiting() {
		if h.offset <= s.since || s.link.number == h.exclude && h.exclude != 0 {
			continue
		}
		if _, _, ok := next.choose(h.event); !ok {
			continue
		}
		if view, _, ok := g.interest.choose(h.event); ok {
			if f := h.frame(n, g.dialect, view, time.Now()); f != nil && s.link.send(f) {
				n.counters.delivered.Add(1)
			}
		}
	}
}

// settle gives a subscriber what is held back for it.
func (a *audience) settle(n *Node, l *Link) {
	if at, ok := a.find(l); ok {
		at.group.settle(n, at.group.seats[at.seat], at.group.interest)
	}
}

// frame is what is held, in a dialect.
func (h *held) frame(n *Node, d protocol.Dialect, v protocol.View, now time.Time) *outbox.Frame {
	f := n.encode(d, v, h.event, now.UnixNano())
	f.Bind(h.fate, h.event.Topic, h.event.Key)
	return f
}

// offer gives one frame to the group's links that came before offset and returns how many took it.
func (g *group) offer(n *Node, f *outbox.Frame, exclude, offset uint64) (delivered int) {
	if f == nil {
		return 0
	}
	backlog, of := 0, (*outbox.Backpressure)(nil)
	for i := range g.seats {
		l := g.seats[i].link
		if g.seats[i].since >= offset || exclude != 0 && l.number == exclude {
			continue
		}
		taken := l.outbox.Offer(f)
		if taken >= 0 {
			delivered++
			if taken > 0 && of == nil {
				of = l.outbox.Backpressure()
			}
			backlog += taken
		} else if taken == outbox.RefusedFull {
			l.tooSlow()
		}
	}
	if backlog > 0 {
		of.Add(backlog) // the tenant of all of them
	}
	if f.Born != 0 {
		n.counters.delivered.Add(uint64(delivered))
	}
	return delivered
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
