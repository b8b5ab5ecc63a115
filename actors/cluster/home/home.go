package home

import (
	"maps"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/cluster/message"
)

// Change is an entry of the slot's log: a node comes into the set of those in sync, or is out.
type Change struct {
	Node message.Node
	Out  bool
}

// Host is what a home needs of its node. Its methods must not call the home; Send must not keep the message.
type Host interface {
	// Send sends a message to a node, perhaps this one. It may be lost.
	Send(to message.Node, m *message.Message)
	// Propose asks the slot's group to agree on a change; [Home.Agreed] tells when it has. It may be lost.
	Propose(c Change)
	// NewEpoch names an epoch that no topic has had.
	NewEpoch() string
}

// proposeAgain is how long a home waits for the group before it proposes a change again.
const proposeAgain = 500 * time.Millisecond

// Home has the topics of one slot for one term. It has one owner and no lock.
type Home struct {
	slot, term uint64
	host       Host // static, as slot and term
	nodes      nodes
	topics     map[string]*topic
	busy       []*topic // those with publishes that wait for confirmations
	origins    origins
	early      []message.Message // publishes that came before the home was open
	open       bool
	lease      time.Duration
	kept       int // bytes of events in all topics
	swept      time.Duration
}

// node is another node, or this one.
type node struct {
	id       message.Node
	inSync   bool
	round    uint64 // of Leads
	rejoined bool   // it has answered the newest Leads
	joining  bool   // the group was asked to put it into the set
	topics   int    // that it follows
	behind   int    // those of them in which it has not confirmed all that it missed
	silent   bool   // it does not answer
	proposed time.Duration
}

// counts reports whether publishes wait for all of its topics.
func (n *node) counts() bool { return n.inSync || n.joining }

// New makes the home of a slot in a term, and tells the nodes. inSync are those of them that the slot's log has in the
// set.
func New(now time.Duration, slot, term uint64, all, inSync []message.Node, host Host) *Home {
	h := &Home{slot: slot, term: term, host: host, topics: map[string]*topic{}}
	for _, id := range all {
		n := &node{id: id, inSync: slices.Contains(inSync, id), proposed: now - proposeAgain}
		h.nodes = append(h.nodes, n)
	}
	for _, n := range h.nodes {
		h.ask(n)
	}
	h.tryOpen(now)
	return h
}

// Term is that of the home.
func (h *Home) Term() uint64 { return h.term }

// nodes are those of the cluster.
type nodes []*node

func (all nodes) of(id message.Node) *node {
	for _, n := range all {
		if n.id == id {
			return n
		}
	}
	return nil
}

func (h *Home) send(to message.Node, m *message.Message) {
	m.Slot, m.Term = h.slot, h.term
	h.host.Send(to, m)
}

// ask tells a node that this is the home, and asks it for its topics.
func (h *Home) ask(n *node) {
	n.round++
	n.rejoined = false
	h.send(n.id, &message.Message{Kind: message.Leads, Count: n.round})
}

// Again asks a node for its topics, since frames to it or from it were lost. began says that its process is a new one,
// which has none of the old one's subscribers.
func (h *Home) Again(now time.Duration, id message.Node, began bool) {
	n := h.nodes.of(id)
	if n == nil {
		return
	}
	if began {
		h.forget(now, n, 0)
	}
	h.ask(n)
}

// Silent takes note that a node does not answer, or that it does again.
func (h *Home) Silent(now time.Duration, id message.Node, silent bool) {
	if n := h.nodes.of(id); n != nil && n.silent != silent {
		n.silent = silent
		n.proposed = now - proposeAgain
	}
}

// Extend says until when no other node can become the home.
func (h *Home) Extend(now, lease time.Duration) {
	h.lease = lease
	busy := h.busy
	h.busy = h.busy[:0]
	for _, t := range busy {
		t.busy = false
		h.settle(now, t)
	}
}

// Tick proposes the changes that are due. The owner calls it every 10 ms or so.
func (h *Home) Tick(now time.Duration) {
	for _, n := range h.nodes {
		h.propose(now, n)
	}
	if now-h.swept >= sweepEvery {
		h.swept = now
		h.sweep(now)
	}
}

// propose has a node that does not answer put out, and one that has caught up put in.
func (h *Home) propose(now time.Duration, n *node) {
	if n.silent && !n.counts() && n.topics > 0 {
		h.forget(now, n, 0)
		h.ask(n) // in case it lives
	}
	out := n.silent && n.counts()
	in := !n.silent && !n.inSync && n.rejoined && n.behind == 0
	if (out || in) && now-n.proposed >= proposeAgain {
		n.proposed = now
		n.joining = n.joining || in
		h.host.Propose(Change{n.id, out})
	}
}

// Agreed takes note of a change that the group has agreed on in this term.
func (h *Home) Agreed(now time.Duration, c Change) {
	n := h.nodes.of(c.Node)
	if n == nil {
		return
	}
	n.inSync, n.joining = !c.Out, false
	n.proposed = now - proposeAgain
	if c.Out {
		h.forget(now, n, 0)
		h.ask(n)
	}
	h.tryOpen(now)
}

// tryOpen opens the home when each node in sync has told its topics.
func (h *Home) tryOpen(now time.Duration) {
	for _, n := range h.nodes {
		if h.open || n.inSync && !n.rejoined {
			return
		}
	}
	h.open = true
	for i := range h.early {
		h.append(now, &h.early[i])
	}
	h.early = nil
}

// Receive takes a message for a home from a node; start is the incarnation of its process. One of another term is
// ignored.
func (h *Home) Receive(now time.Duration, from message.Node, start uint64, m *message.Message) {
	n := h.nodes.of(from)
	if n == nil || m.Term != h.term {
		return
	}
	switch m.Kind {
	case message.Publish:
		m.Origin, m.Start = from, start
		h.publish(now, m)
	case message.Attach:
		h.attach(now, n, m)
	case message.Confirm:
		h.confirm(now, n, m)
	case message.Detach:
		if t := h.topics[m.Topic]; t != nil {
			h.remove(now, t, n)
		}
	case message.Rejoined:
		if m.Count == n.round {
			n.rejoined = true
			h.forget(now, n, n.round)
			h.tryOpen(now)
		}
	}
}

// forget removes a node from the topics that it has not attached since a round of questions; with round 0 from all. It
// goes by their names, so that a simulation repeats.
func (h *Home) forget(now time.Duration, n *node, round uint64) {
	for _, name := range slices.Sorted(maps.Keys(h.topics)) {
		t := h.topics[name]
		if f := t.follower(n); f != nil && (round == 0 || f.round != round) {
			h.remove(now, t, n)
		}
	}
}
