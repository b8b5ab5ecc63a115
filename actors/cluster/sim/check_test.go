package sim

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/parley-realtime/parley/actors/cluster/link"
	"github.com/parley-realtime/parley/actors/cluster/message"
)

// checks watch a world.
type checks struct {
	world         *world
	errors        []error
	publishes     []*publish
	subscriptions []*subscription
	current       map[string]*subscription // by node and topic
	events        map[string]uint64        // by slot, term, topic, epoch and offset
	leaders       map[string]message.Node  // by slot and term
	entries       map[string]uint64        // by slot and index
	losses        int
}

// publish is an event of a client.
type publish struct {
	id       uint64 // also its number among all
	topic    string
	at       time.Duration
	answered time.Duration // 0 if it was not
	count    uint64
}

// subscription is a topic at a node, from its attachment until it ends.
type subscription struct {
	node      message.Node
	topic     string
	attached  time.Duration // 0 until it is
	ended     bool
	got       []uint64
	has       map[uint64]bool
	losses    []time.Duration
	epoch     string
	offset    uint64
	publisher map[message.Node]uint64 // the newest id of each
}

func newChecks(w *world) *checks {
	return &checks{
		world: w, current: map[string]*subscription{}, events: map[string]uint64{},
		leaders: map[string]message.Node{}, entries: map[string]uint64{},
	}
}

func (c *checks) fail(format string, args ...any) {
	c.errors = append(c.errors, fmt.Errorf("at %v: %w", c.world.now, fmt.Errorf(format, args...)))
}

func (c *checks) err() error { return errors.Join(c.errors[:min(len(c.errors), 5)]...) }

func (c *checks) submit(topic string) *publish {
	p := &publish{id: uint64(len(c.publishes) + 1), topic: topic, at: c.world.now}
	c.publishes = append(c.publishes, p)
	return p
}

func key(n *node, topic string) string { return fmt.Sprint(n.id, topic) }

func (c *checks) open(n *node, topic string) *subscription { return c.current[key(n, topic)] }

func (c *checks) subscribed(n *node, topic string) {
	s := &subscription{node: n.id, topic: topic, has: map[uint64]bool{}, publisher: map[message.Node]uint64{}}
	c.current[key(n, topic)] = s
	c.subscriptions = append(c.subscriptions, s)
}

func (c *checks) unsubscribed(n *node, topic string) {
	c.current[key(n, topic)].ended = true
	delete(c.current, key(n, topic))
}

func (c *checks) crashed(n *node) {
	for slot := range slots {
		for i := range perSlot {
			if c.open(n, topicName(slot, i)) != nil {
				c.unsubscribed(n, topicName(slot, i))
			}
		}
	}
}

// attach notes which subscriptions are attached now; it is called in each step.
func (c *checks) attach() {
	for _, n := range c.world.nodes {
		for slot := range slots {
			for i := range perSlot {
				s := c.open(n, topicName(slot, i))
				if s != nil && s.attached == 0 && n.relays[slot].Attached(s.topic) {
					s.attached = c.world.now
				}
			}
		}
		for _, p := range n.links {
			if p.Waiting() > link.Credit+link.QueueBytes+link.MaxParcel {
				c.fail("a link holds %d bytes", p.Waiting())
			}
		}
	}
}

// delivered takes an event as the subscribers of a node get it.
func (c *checks) delivered(n *node, m *message.Message) int {
	s := c.open(n, m.Topic)
	if s == nil {
		c.fail("node %d delivers %s, to which nobody subscribes", n.id, m.Topic)
		return 0
	}
	id, err := strconv.ParseUint(string(m.Body), 10, 64)
	if err != nil {
		c.fail("an event was changed: %q", m.Body)
	}
	if s.has[id] {
		c.fail("node %d got event %d twice", n.id, id)
	}
	at := fmt.Sprint(m.Slot, m.Term, m.Topic, m.Epoch, ":", m.Offset)
	if known, ok := c.events[at]; ok && known != id {
		c.fail("position %s is event %d at node %d and %d elsewhere", at, id, n.id, known)
	}
	if m.Epoch == s.epoch && m.Offset <= s.offset {
		c.fail("node %d got offset %d after %d", n.id, m.Offset, s.offset)
	}
	if s.publisher[m.Origin] >= id {
		c.fail("node %d got event %d of node %d after %d", n.id, id, m.Origin, s.publisher[m.Origin])
	}
	c.events[at] = id
	s.has[id], s.epoch, s.offset, s.publisher[m.Origin] = true, m.Epoch, m.Offset, id
	s.got = append(s.got, id)
	return 1
}

func (c *checks) lost(n *node, topic string) {
	c.losses++
	s := c.open(n, topic)
	if s == nil {
		c.fail("node %d lost %s, to which nobody subscribes", n.id, topic)
		return
	}
	s.losses = append(s.losses, c.world.now)
}

func (c *checks) answered(p *publish, from message.Node, m *message.Message) {
	p.answered, p.count = c.world.now, m.Count
	if p.count > nodes {
		c.fail("event %d went to %d nodes", p.id, p.count)
	}
	c.leads(int(m.Slot), m.Term, from)
}

// leads notes who leads, or answers, in a term.
func (c *checks) leads(slot int, term uint64, id message.Node) {
	at := fmt.Sprint(slot, ":", term)
	if known, ok := c.leaders[at]; ok && known != id {
		c.fail("in term %d slot %d has the homes %d and %d", term, slot, known, id)
	}
	c.leaders[at] = id
}

func (c *checks) applied(slot int, e *raftpb.Entry) {
	h := fnv.New64a()
	fmt.Fprint(h, e.GetTerm(), e.Data)
	at := fmt.Sprint(slot, ":", e.GetIndex())
	if known, ok := c.entries[at]; ok && known != h.Sum64() {
		c.fail("entry %s differs", at)
	}
	c.entries[at] = h.Sum64()
}

// finish checks that each acknowledged event came to each subscription that was attached before.
func (c *checks) finish() {
	for _, s := range c.subscriptions {
		if s.ended || s.attached == 0 {
			continue
		}
		for _, p := range c.publishes {
			if p.topic == s.topic && p.answered > 0 && p.at > s.attached && !s.has[p.id] && !s.lostAfter(p.at) {
				c.fail("node %d missed event %d of %s, published at %v and answered at %v, and was not told",
					s.node, p.id, p.topic, p.at, p.answered)
			}
		}
	}
	for _, n := range c.world.nodes {
		for slot := range n.taken {
			if len(n.taken[slot]) > 0 {
				c.fail("%d publishers of node %d still wait", len(n.taken[slot]), n.id)
			}
		}
	}
}

func (s *subscription) lostAfter(at time.Duration) bool {
	return len(s.losses) > 0 && s.losses[len(s.losses)-1] >= at
}
