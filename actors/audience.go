package actors

import (
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
	links    []*Link
	pace     pace
}

// set adds a subscriber or gives it another interest.
func (a *audience) set(l *Link, it *interest) {
	if at, ok := a.members[l]; ok {
		if at.group.interest.key == it.key {
			return
		}
		a.remove(l)
	}
	if a.members == nil {
		a.members = map[*Link]place{}
	}
	g := a.group(l.dialect, it)
	a.members[l] = place{g, len(g.links)}
	g.links = append(g.links, l)
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
	last := len(g.links) - 1
	if moved := g.links[last]; moved != l {
		g.links[at.index] = moved
		a.members[moved] = place{g, at.index}
	}
	g.links[last] = nil
	if g.links = g.links[:last]; last > 0 {
		return
	}
	for i := range a.groups {
		if a.groups[i] == g {
			a.groups[i] = a.groups[len(a.groups)-1]
			a.groups = a.groups[:len(a.groups)-1]
			break
		}
	}
	if len(a.members) == 0 {
		*a = audience{} // maps do not shrink
	}
}

// rebuild makes the groups anew from the members, after a failure may have left them in disorder.
func (a *audience) rebuild() {
	members := a.members
	*a = audience{}
	for l, at := range members {
		a.set(l, at.group.interest)
	}
}

// deliver gives a publication to all who want it and returns to how many. Groups that want fewer events hear it later,
// or a newer one instead; due says when the first of them has to be flushed.
func (a *audience) deliver(n *Node, p *publication, now time.Time) (delivered int, due time.Time) {
	for _, g := range a.groups {
		view, every, ok := g.interest.choose(p.event)
		if !ok {
			continue
		}
		if every > 0 {
			if wait := g.pace.hold(p, every, now); !wait.IsZero() {
				due = earlier(due, wait)
				continue
			}
		}
		delivered += g.offer(n, p.frame(g.dialect, view), p.exclude)
	}
	return delivered, due
}

// flush delivers what was held back and is due now. next says when to come again.
func (a *audience) flush(n *Node, now time.Time) (next time.Time) {
	for _, g := range a.groups {
		for _, h := range g.pace.release(now) {
			if view, _, ok := g.interest.choose(h.event); ok {
				g.offer(n, encode(g.dialect, view, h.event, now.UnixNano()), h.exclude)
			}
		}
		next = earlier(next, g.pace.due())
	}
	return next
}

// offer gives one frame to the group's links and returns how many took it.
func (g *group) offer(n *Node, f *Frame, exclude uint64) (delivered int) {
	if f == nil {
		return 0
	}
	backlog := 0
	for _, l := range g.links {
		if l.number == exclude && exclude != 0 {
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
