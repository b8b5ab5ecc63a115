package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/cluster/entry"
	"github.com/parley-realtime/parley/actors/cluster/home"
	"github.com/parley-realtime/parley/actors/cluster/link"
	"github.com/parley-realtime/parley/actors/cluster/member"
	"github.com/parley-realtime/parley/actors/cluster/message"
	"github.com/parley-realtime/parley/actors/cluster/relay"
)

// node is one process, and what is on its disk.
type node struct {
	world *world
	id    message.Node

	// On disk.
	start uint64 // incarnation
	disks [slots]*disk

	up, stopped bool
	until       time.Duration // when it is started again or goes on; 0 if it runs

	// In memory.
	links   map[message.Node]*link.Peer
	table   *member.Table
	entries [slots]*entry.Queue
	relays  [slots]*relay.Relay
	groups  [slots]*group
	self    []message.Message // from this node to itself
	taken   map[int]map[uint64]*publish
	epochs  int
}

func newNode(w *world, id message.Node) *node {
	n := &node{world: w, id: id}
	for slot := range n.disks {
		n.disks[slot] = newDisk()
	}
	n.boot()
	return n
}

// boot starts the process.
func (n *node) boot() {
	n.up, n.until = true, 0
	n.start++
	n.table = member.NewTable(n.world.now, others(n.id)...)
	n.links = map[message.Node]*link.Peer{}
	for _, id := range others(n.id) {
		n.links[id] = link.NewPeer(n.start)
	}
	n.self, n.taken = nil, map[int]map[uint64]*publish{}
	for slot := range slots {
		n.entries[slot] = entry.NewQueue(uint64(slot), n.Send)
		n.relays[slot] = relay.New(uint64(slot), n)
		n.groups[slot] = newGroup(n, slot)
		n.taken[slot] = map[uint64]*publish{}
	}
}

// crash ends the process. The others notice if they can.
func (n *node) crash() {
	n.up, n.stopped = false, false
	n.world.checks.crashed(n)
	for _, id := range others(n.id) {
		cut := n.world.paths[n.id][id].cut || n.world.paths[id][n.id].cut
		n.world.disconnect(n.id, id)
		n.world.paths[id][n.id].raft = nil
		if other := n.world.node(id); !cut && other.up {
			other.changed(other.table.Refused(n.id))
		}
	}
}

// resume starts the process again, or lets a stopped one go on.
func (n *node) resume() {
	n.stopped, n.until = false, 0
	if !n.up {
		n.boot()
	}
}

// step is what a process does in a turn.
func (n *node) step() {
	for _, id := range others(n.id) {
		parcels, votes := n.world.arrived(id, n.id)
		for _, p := range parcels {
			n.parcel(id, p.bytes)
		}
		for _, v := range votes {
			n.groups[v.slot].step(v.m)
		}
	}
	n.changed(n.table.Tick(n.world.now))
	for slot, g := range n.groups {
		g.tick()
		for _, number := range n.entries[slot].Expire(n.world.now) {
			delete(n.taken[slot], number)
		}
	}
	n.handleOwn()
	for _, id := range others(n.id) {
		for {
			bytes, due := n.links[id].Pack(n.world.now, nil)
			if !due {
				break
			}
			n.world.sendParcel(n.id, id, bytes)
		}
	}
}

// parcel takes a parcel of another node in.
func (n *node) parcel(from message.Node, bytes []byte) {
	p := n.links[from]
	news, frames, err := p.Receive(n.world.now, bytes)
	n.changed(n.table.Heard(n.world.now, from))
	if news != (link.News{}) {
		n.again(from, news.Began)
	}
	for frame := range frames {
		var m message.Message
		if err := m.Decode(frame); err != nil {
			n.world.checks.fail("a frame of node %d: %v", from, err)
		}
		n.handle(from, p.Incarnation(), &m)
	}
	if err == link.ErrMalformed {
		n.world.checks.fail("a parcel of node %d: %v", from, err)
	}
}

// again repairs what may have been lost between this node and another.
func (n *node) again(id message.Node, began bool) {
	for slot, g := range n.groups {
		if g.home != nil {
			g.home.Again(n.world.now, id, began)
		}
		if n.relays[slot].Home() == id {
			n.relays[slot].Again(n.world.now)
			n.entries[slot].Leads(id, n.relays[slot].Term())
		}
	}
}

// changed tells the homes here who answers.
func (n *node) changed(all []member.Change) {
	for _, c := range all {
		for _, g := range n.groups {
			if g.home != nil {
				g.home.Silent(n.world.now, c.Node, c.Now != member.Alive)
			}
		}
	}
}

// Send implements home.Host and relay.Node.
func (n *node) Send(to message.Node, m *message.Message) {
	if to == n.id {
		own := *m
		own.Body = slices.Clone(m.Body)
		n.self = append(n.self, own)
		return
	}
	_ = n.links[to].Send(n.world.now, m.Append(nil)) // a loss is told by the link
}

// handleOwn handles what this node has sent to itself.
func (n *node) handleOwn() {
	for len(n.self) > 0 {
		m := n.self[0]
		n.self = n.self[1:]
		n.handle(n.id, n.start, &m)
	}
}

// handle gives a message to whom it is for.
func (n *node) handle(from message.Node, start uint64, m *message.Message) {
	slot, now := int(m.Slot), n.world.now
	switch m.Kind {
	case message.Leads:
		n.relays[slot].Leads(now, from, m)
		n.entries[slot].Leads(from, m.Term)
	case message.Event, message.Attached:
		n.relays[slot].Receive(now, from, m)
	case message.Answer:
		n.entries[slot].Answer(m.Number)
		if p := n.taken[slot][m.Number]; p != nil {
			delete(n.taken[slot], m.Number)
			n.world.checks.answered(p, from, m)
		}
	default:
		if g := n.groups[slot]; g.home != nil {
			g.home.Receive(now, from, start, m)
		}
	}
}

// Deliver implements relay.Node.
func (n *node) Deliver(m *message.Message) int { return n.world.checks.delivered(n, m) }

// Lost implements relay.Node.
func (n *node) Lost(topic string) { n.world.checks.lost(n, topic) }

// publish publishes an event that names itself.
func (n *node) publish(topic string) *publish {
	p := n.world.checks.submit(topic)
	slot := slotOf(topic)
	number, err := n.entries[slot].Publish(topic, fmt.Append(nil, p.id), n.world.now+5*time.Second)
	if err != nil {
		return nil // it is full, as it may be in a partition
	}
	n.taken[slot][number] = p
	return p
}

// toggle subscribes to a topic, or ends the subscription.
func (n *node) toggle(slot, i int) {
	topic := topicName(slot, i)
	if n.world.checks.open(n, topic) != nil {
		n.world.checks.unsubscribed(n, topic)
		n.relays[slot].Unsubscribe(topic)
		return
	}
	n.subscribe(topic)
}

func (n *node) subscribe(topic string) {
	n.world.checks.subscribed(n, topic)
	n.relays[slotOf(topic)].Subscribe(n.world.now, topic)
}

var _ home.Host = (*group)(nil)
