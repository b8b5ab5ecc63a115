// Package member knows the nodes of a cluster, and which of them are alive as far as one node can tell.
//
// A [Table] is told what happens on the links and says what follows:
//
//   - Dead: the connection was closed, and a dial was refused. The kernel closes the sockets of a process that was
//     killed at once, so this takes milliseconds, where a timeout takes a second (measured 2026-11-30: 53 to 253 ms
//     until publishes go on, against 1.0 to 1.8 s). A firewall that resets connections looks the same: what follows
//     from Dead must be harmless for a node that lives, such as a candidacy that asks for votes first.
//   - Suspect: nothing was heard for SuspectAfter, five pings of a link. So it is for a stopped process, a machine
//     without power, or a cut cable.
//   - Gone: nothing was heard for GoneAfter. The users of the node are offline.
//
// A node that is heard again is Alive at once. [Rank] orders nodes for one slot, the same on all nodes: who should lead
// it, and who stands next when its leader dies.
//
// A Table has no goroutine and no clock; actors/cluster/sim drives it, and nothing else until a node does.
package member

import (
	"cmp"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/cluster/message"
)

// Times of silence.
const (
	SuspectAfter = 500 * time.Millisecond
	GoneAfter    = 2 * time.Second
)

// State is what is known of a node.
type State uint8

// The states. Beyond Alive a node does not answer.
const (
	Alive State = iota
	Suspect
	Gone
	Dead
)

// String is the state as the API names it.
func (s State) String() string { return [...]string{"alive", "suspect", "gone", "dead"}[s] }

// Change says that a node has another state than before.
type Change struct {
	Node message.Node
	Now  State
}

// Table has the other nodes. It has one owner and no lock.
type Table struct {
	nodes []*node // by number
}

type node struct {
	id     message.Node
	state  State
	heard  time.Duration
	closed bool // there is no connection to it
}

// NewTable makes a table of the other nodes of a cluster, all of which count as heard now.
func NewTable(now time.Duration, others ...message.Node) *Table {
	t := &Table{}
	for _, id := range slices.Sorted(slices.Values(others)) {
		t.nodes = append(t.nodes, &node{id: id, heard: now})
	}
	return t
}

func (t *Table) node(id message.Node) *node {
	for _, n := range t.nodes {
		if n.id == id {
			return n
		}
	}
	return nil
}

// State is that of a node; one that is not in the table is Dead.
func (t *Table) State(id message.Node) State {
	if n := t.node(id); n != nil {
		return n.state
	}
	return Dead
}

// Heard takes note of bytes from a node.
func (t *Table) Heard(now time.Duration, id message.Node) []Change {
	n := t.node(id)
	if n == nil {
		return nil
	}
	n.heard, n.closed = now, false
	return n.becomes(Alive)
}

// Closed takes note that the last connection to a node has ended. The owner dials the node at once.
func (t *Table) Closed(id message.Node) {
	if n := t.node(id); n != nil {
		n.closed = true
	}
}

// Refused takes note that a node has refused a dial: nobody listens there. It counts only after Closed.
func (t *Table) Refused(id message.Node) []Change {
	n := t.node(id)
	if n == nil || !n.closed {
		return nil
	}
	return n.becomes(Dead)
}

// Tick finds the nodes that were silent for too long. The owner calls it every 10 ms or so.
func (t *Table) Tick(now time.Duration) (all []Change) {
	for _, n := range t.nodes {
		switch silent := now - n.heard; {
		case n.state == Dead:
		case silent >= GoneAfter:
			all = append(all, n.becomes(Gone)...)
		case silent >= SuspectAfter:
			all = append(all, n.becomes(Suspect)...)
		}
	}
	return all
}

func (n *node) becomes(s State) []Change {
	if n.state == s {
		return nil
	}
	n.state = s
	return []Change{{n.id, s}}
}

// Rank orders nodes for a slot by rendezvous: each pair of slot and node has a number, and the highest is first. When a
// node comes or goes, only its own slots move, and they spread over the others.
func Rank(slot uint64, nodes []message.Node) []message.Node {
	return slices.SortedFunc(slices.Values(nodes), func(a, b message.Node) int {
		return cmp.Or(cmp.Compare(weight(slot, b), weight(slot, a)), cmp.Compare(a, b))
	})
}

// weight mixes all bits of both numbers (the finalizer of SplitMix64, twice). A weak mix would not do: FNV-1a over
// names that differ in the last digit gave three nodes 50, 25 and 25 % of the slots.
func weight(slot uint64, id message.Node) uint64 { return mix(mix(slot+1) ^ uint64(id)) }

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
