package actors

import (
	"math"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// audience is who hears a topic: its subscribers, in groups that hear the same bytes. It belongs to the topic's actor.
type audience struct {
	members map[*Link]place
	groups  []*group
}

// place says where a member is, so that it is found and removed in constant time.
type place struct {
	group *group
	index int
}

// group are the subscribers of one dialect with one interest.
type group struct {
	dialect  protocol.Dialect
	interest *interest
	seats    []seat
	pace     pace
}

// seat is a subscriber in its group.
type seat struct {
	link *Link
	// since is the topic's offset at which it came: what was held back by then is not for it.
	since uint64
}

// unheld is later than every offset: an event that was not held back is for all seats.
const unheld = math.MaxUint64

// interest is the interest of a subscriber, nil if it is none.
func (a *audience) interest(l *Link) *interest {
	if at, ok := a.members[l]; ok {
		return at.group.interest
	}
	return nil
}

// set adds a subscriber or gives it another interest. offset is the topic's newest. A subscriber that changes its
// interest gets what is held back for it now: nobody would release it later.
func (a *audience) set(n *Node, l *Link, it *interest, offset uint64) {
	if at, ok := a.members[l]; ok {
		if at.group.interest.key == it.key {
			return
		}
		at.group.settle(n, at.group.seats[at.index], it)
		a.remove(l)
	}
	a.add(seat{l, offset}, it)
}

func (a *audience) add(s seat, it *interest) *group {
	if a.members == nil {
		a.members = map[*Link]place{}
	}
	g := a.group(s.link.dialect(), it)
	a.members[s.link] = place{g, len(g.seats)}
	g.seats = append(g.seats, s)
	return g
}

func (a *audience) group(d protocol.Dialect, it *interest) *group {
	for _, g := range a.groups {
		if g.dialect == d && g.interest.key == it.key {
			return g
		}
	}
	g := &group{dialect: d, interest: it}
	a.groups = append(a.groups, g)
	return g
}

// remove takes a subscriber out; one that is not in is ignored.
func (a *audience) remove(l *Link) {
	at, ok := a.members[l]
	if !ok {
		return
	}
	delete(a.members, l)
	g := at.group
	last := len(g.seats) - 1
	if moved := g.seats[last]; moved.link != l {
		g.seats[at.index] = moved
		a.members[moved.link] = place{g, at.index}
	}
	g.seats[last] = seat{}
	if g.seats = g.seats[:last]; last > 0 {
		return
	}
	for i := range a.groups {
		if a.groups[i] == g {
			a.groups[i] = a.groups[len(a.groups)-1]
			a.groups[len(a.groups)-1] = nil
			a.groups = a.groups[:len(a.groups)-1]
			break
		}
	}
	if len(a.members) == 0 {
		*a = audience{} // maps do not shrink
	}
}

// rebuild makes the groups anew from the members, after a failure may have left them in disorder. What is held back
// stays held back.
func (a *audience) rebuild() {
	members := a.members
	*a = audience{}
	for l, at := range members {
		s := seat{link: l}
		if at.index < len(at.group.seats) && at.group.seats[at.index].link == l {
			s = at.group.seats[at.index]
		}
		a.add(s, at.group.interest).pace = at.group.pace
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
		for _, h := range g.pace.release(now) {
			if view, _, ok := g.interest.choose(h.event); ok {
				g.offer(n, n.encode(g.dialect, view, h.event, now.UnixNano()), h.exclude, h.offset)
			}
		}
		next = earlier(next, g.pace.due())
	}
	return next
}

// settle gives a subscriber that gets another interest what the group holds back for it.
func (g *group) settle(n *Node, s seat, next *interest) {
	for _, h := range g.pace.waiting() {
		if h.offset <= s.since || s.link.number == h.exclude && h.exclude != 0 {
			continue
		}
		if _, _, ok := next.choose(h.event); !ok {
			continue
		}
		if view, _, ok := g.interest.choose(h.event); ok {
			if f := n.encode(g.dialect, view, h.event, time.Now().UnixNano()); f != nil && s.link.send(f) {
				n.counters.delivered.Add(1)
			}
		}
	}
}

// offer gives one frame to the group's links that came before offset and returns how many took it.
func (g *group) offer(n *Node, f *Frame, exclude, offset uint64) (delivered int) {
	if f == nil {
		return 0
	}
	backlog := 0
	for i := range g.seats {
		l := g.seats[i].link
		if g.seats[i].since >= offset || l.number == exclude && exclude != 0 {
			continue
		}
		taken := l.outbox.offer(f)
		if taken >= 0 {
			backlog += taken
			delivered++
		} else if taken == refusedFull {
			l.tooSlow()
		}
	}
	n.backlog.add(backlog)
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
