package sim

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/parley-realtime/parley/actors/cluster/message"
)

// The size of a cluster here.
const (
	nodes   = 3
	slots   = 2
	perSlot = 2 // topics
	step    = 5 * time.Millisecond
)

// world is a cluster and what happens to it.
type world struct {
	now     time.Duration
	random  *rand.Rand
	faults  bool
	nodes   []*node
	paths   [nodes + 1][nodes + 1]path // from, to
	checks  *checks
	elected int
}

// path is what is on its way from one node to another.
type path struct {
	cut     bool
	delay   time.Duration
	until   time.Duration // when it is well again; 0 if it is
	parcels []parcel      // of one connection, in order
	raft    []vote
}

type parcel struct {
	at    time.Duration
	bytes []byte
}

// vote is a message of a Raft group.
type vote struct {
	at   time.Duration
	slot int
	m    *raftpb.Message
}

func newWorld(seed uint64) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 7))}
	w.checks = newChecks(w)
	for id := message.Node(1); id <= nodes; id++ {
		w.nodes = append(w.nodes, newNode(w, id))
	}
	return w
}

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.random.IntN(n) == 0 }

func (w *world) node(id message.Node) *node { return w.nodes[id-1] }

// others are all nodes but one.
func others(self message.Node) (all []message.Node) {
	for id := message.Node(1); id <= nodes; id++ {
		if id != self {
			all = append(all, id)
		}
	}
	return all
}

// run lets a time go by. each is called at each step.
func (w *world) run(d time.Duration, each func()) {
	for end := w.now + d; w.now < end; {
		w.now += step
		if w.faults {
			w.harm()
		}
		for _, n := range w.nodes {
			if n.up && !n.stopped {
				n.step()
			}
		}
		if each != nil {
			each()
		}
	}
}

// harm does harm about twice a second, and ends what has lasted long enough.
func (w *world) harm() {
	for _, n := range w.nodes {
		if n.until != 0 && w.now >= n.until {
			n.resume()
		}
	}
	for a := range w.paths {
		for b := range w.paths[a] {
			if p := &w.paths[a][b]; p.until != 0 && w.now >= p.until {
				w.restore(p)
			}
		}
	}
	if w.chance(100) {
		w.strike(w.target())
	}
}

// target is a node; every second time the home of a slot.
func (w *world) target() *node {
	slot := w.random.IntN(slots)
	for _, n := range w.nodes {
		if w.chance(2) && n.up && n.groups[slot].home != nil {
			return n
		}
	}
	return w.nodes[w.random.IntN(nodes)]
}

// strike does one kind of harm to a node.
func (w *world) strike(n *node) {
	all := others(n.id)
	other := all[w.random.IntN(len(all))]
	until := w.now + time.Duration(w.random.IntN(2500))*time.Millisecond
	switch w.random.IntN(8) {
	case 0, 1:
		if n.up {
			n.crash()
			n.until = until + 300*time.Millisecond
		}
	case 2:
		n.stopped, n.until = n.up, until
	case 3: // from all
		for _, id := range all {
			w.spoil(n.id, id, true, 0, until)
		}
	case 4:
		w.spoil(n.id, other, true, 0, until)
	case 5: // in one direction
		w.paths[n.id][other].cut, w.paths[n.id][other].until = true, until
	case 6: // slow
		w.spoil(n.id, other, false, time.Duration(w.random.IntN(400))*time.Millisecond, until)
	case 7:
		w.disconnect(n.id, other)
	}
}

// spoil cuts two nodes from each other, or makes what goes between them slow.
func (w *world) spoil(a, b message.Node, cut bool, delay, until time.Duration) {
	for _, p := range []*path{&w.paths[a][b], &w.paths[b][a]} {
		p.cut, p.delay, p.until = cut, delay, until
	}
}

// restore ends the harm to a path; the connection over it has broken, or not.
func (w *world) restore(p *path) {
	if p.cut && w.chance(2) {
		p.parcels = nil
	}
	p.cut, p.delay, p.until = false, 0, 0
}

// calm ends all faults.
func (w *world) calm() {
	w.faults = false
	for a := range w.paths {
		for b := range w.paths[a] {
			w.restore(&w.paths[a][b])
		}
	}
	for _, n := range w.nodes {
		n.resume()
	}
}

// disconnect breaks the connection of two nodes, with what was on its way.
func (w *world) disconnect(a, b message.Node) {
	w.paths[a][b].parcels, w.paths[b][a].parcels = nil, nil
	w.node(a).table.Closed(b)
	w.node(b).table.Closed(a)
}

// sendParcel puts a parcel on its way. A connection keeps the order.
func (w *world) sendParcel(from, to message.Node, bytes []byte) {
	p := &w.paths[from][to]
	at := w.now + p.delay + step*time.Duration(1+w.random.IntN(3))
	if n := len(p.parcels); n > 0 {
		at = max(at, p.parcels[n-1].at)
	}
	if w.node(to).up {
		p.parcels = append(p.parcels, parcel{at, bytes})
	}
}

// sendVote puts a message of a group on its way. It may be lost, and overtake others.
func (w *world) sendVote(from message.Node, slot int, m *raftpb.Message) {
	p := &w.paths[from][m.GetTo()]
	if !p.cut && w.node(message.Node(m.GetTo())).up && !(w.faults && w.chance(50)) {
		p.raft = append(p.raft, vote{w.now + step*time.Duration(1+w.random.IntN(3)), slot, m})
	}
}

// arrived takes what has come to a node from another.
func (w *world) arrived(from, to message.Node) (parcels []parcel, votes []vote) {
	p := &w.paths[from][to]
	if p.cut {
		return nil, nil
	}
	for len(p.parcels) > 0 && p.parcels[0].at <= w.now {
		parcels = append(parcels, p.parcels[0])
		p.parcels = p.parcels[1:]
	}
	p.raft = slices.DeleteFunc(p.raft, func(v vote) bool {
		if v.at > w.now {
			return false
		}
		votes = append(votes, v)
		return true
	})
	return parcels, votes
}

// traffic has the clients of all nodes publish and subscribe.
func (w *world) traffic() {
	for _, n := range w.nodes {
		if !n.up || n.stopped {
			continue
		}
		if w.chance(6) {
			n.publish(topicName(w.random.IntN(slots), w.random.IntN(perSlot)))
		}
		if w.chance(400) { // more than a home keeps for others
			for range 100 {
				n.publish(topicName(0, 0))
			}
		}
		if w.chance(80) {
			n.toggle(w.random.IntN(slots), w.random.IntN(perSlot))
		}
	}
}

func topicName(slot, i int) string { return fmt.Sprintf("%d/%d", slot, i) }

func slotOf(topic string) int { return int(topic[0] - '0') }

// hash is a number for all that subscribers got.
func (w *world) hash() uint64 {
	h := fnv.New64a()
	for _, s := range w.checks.subscriptions {
		fmt.Fprint(h, s.node, s.topic, s.got, s.losses)
	}
	return h.Sum64()
}
