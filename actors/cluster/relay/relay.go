// Package relay stands for the home of a slot on a node that has subscribers to its topics.
//
// A [Relay] gets one frame for each event, however many subscribers the node has, and hands it to them in the order of
// the offsets. When the slot gets another home, or a frame was lost, it attaches its topics again from where they
// stand; the home sends what is missing, or says that it cannot.
//
// # What it promises
//
//   - Order: within an epoch, offsets rise by one. An event that is further ahead is not delivered; the relay asks for
//     those between, at most once in [askAgain] for each topic.
//   - Once: an event that the origin sent again to another home gets another position there. The relay knows it by
//     origin, incarnation and number, and delivers only what is above the highest number of that origin in that topic.
//     One number for all topics of a slot would be less to keep but wrong: of two topics whose frames of one dying home
//     came in part, the older would count as delivered (the simulation finds it within some seeds).
//   - Fence: frames of a term that is not the newest known are ignored.
//   - No silent loss: the node is told which topics have lost events.
//
// It is a state machine without goroutines and clock; actors/cluster/sim drives it, and nothing else until a node does.
package relay

import (
	"time"

	"github.com/parley-realtime/parley/actors/cluster/message"
)

// askAgain is how long a relay waits before it asks for the same gap again.
const askAgain = 50 * time.Millisecond

// Node is what a relay needs of its node. Its methods must not keep the message and must not call the relay.
type Node interface {
	// Send sends a message to a node, perhaps this one. It may be lost.
	Send(to message.Node, m *message.Message)
	// Deliver gives an event to the subscribers of this node, and returns how many got it.
	Deliver(m *message.Message) (connections int)
	// Lost says that the topic has lost events before those that come next.
	Lost(topic string)
}

// Relay has the topics of one slot. It has one owner and no lock.
type Relay struct {
	slot    uint64
	node    Node // static, as the slot
	home    message.Node
	term    uint64
	newest  uint64 // number of the newest subscription
	topics  map[string]*topic
	ordered []*topic // in the order of their subscriptions
}

// topic is where the subscribers of a topic stand.
type topic struct {
	name   string
	number uint64 // of the subscription
	epoch  string // "" until the home has answered
	offset uint64
	asked  time.Duration // when it was attached
	seen   []origin
}

// origin is the newest event of a node that the topic has delivered.
type origin struct {
	node          message.Node
	start, number uint64
}

// New makes a relay without topics.
func New(slot uint64, node Node) *Relay {
	return &Relay{slot: slot, node: node, topics: map[string]*topic{}}
}

// Term is that of the home, 0 if there was none yet.
func (r *Relay) Term() uint64 { return r.term }

// Home is where the slot has its home as far as is known, 0 if nowhere.
func (r *Relay) Home() message.Node { return r.home }

// Attached reports whether all events of the topic from now on come, in this term or are called lost.
func (r *Relay) Attached(name string) bool {
	t := r.topics[name]
	return t != nil && t.epoch != ""
}

// Subscribe attaches a topic; one that is attached stays as it is.
func (r *Relay) Subscribe(now time.Duration, name string) {
	if r.topics[name] != nil {
		return
	}
	r.newest++
	t := &topic{name: name, number: r.newest}
	r.topics[name] = t
	r.ordered = append(r.ordered, t)
	r.attach(now, t)
}

// Unsubscribe detaches a topic.
func (r *Relay) Unsubscribe(name string) {
	t := r.topics[name]
	if t == nil {
		return
	}
	delete(r.topics, name)
	for i := range r.ordered {
		if r.ordered[i] == t {
			r.ordered = append(r.ordered[:i], r.ordered[i+1:]...)
			break
		}
	}
	r.send(&message.Message{Kind: message.Detach, Topic: name})
}

func (r *Relay) attach(now time.Duration, t *topic) {
	t.asked = now
	r.send(&message.Message{
		Kind: message.Attach, Topic: t.name, Epoch: t.epoch, Offset: t.offset, Number: t.number,
	})
}

// send sends to the home, if there is one.
func (r *Relay) send(m *message.Message) {
	if r.home != 0 {
		m.Slot, m.Term = r.slot, r.term
		r.node.Send(r.home, m)
	}
}

// Leads takes note of a home, and attaches all topics to it. That of an older term is ignored.
func (r *Relay) Leads(now time.Duration, home message.Node, m *message.Message) {
	if m.Term < r.term {
		return
	}
	r.home, r.term = home, m.Term
	r.Again(now)
	r.send(&message.Message{Kind: message.Rejoined, Count: m.Count})
}

// Again attaches all topics, since frames of the home were lost.
func (r *Relay) Again(now time.Duration) {
	for _, t := range r.ordered {
		r.attach(now, t)
	}
}

// Receive takes an Event or an Attached from a node.
func (r *Relay) Receive(now time.Duration, from message.Node, m *message.Message) {
	t := r.topics[m.Topic]
	if t == nil || from != r.home || m.Term != r.term {
		return
	}
	switch {
	case m.Kind == message.Attached && m.Number == t.number:
		r.attached(now, t, m)
	case m.Kind != message.Event:
	case m.Epoch == t.epoch && m.Offset <= t.offset:
		r.confirm(t, 0)
	case m.Epoch == t.epoch && m.Offset == t.offset+1:
		t.offset++
		r.confirm(t, r.deliver(t, m))
	case now-t.asked >= askAgain:
		r.attach(now, t)
	}
}

// attached takes the answer to a question. It may be that to an older question, which the topic asked from another
// position. One that would take the topic back is not followed, and one that would leave events out is asked for
// again.
func (r *Relay) attached(now time.Duration, t *topic, m *message.Message) {
	ahead := m.Epoch != t.epoch && m.Offset > 0 || m.Epoch == t.epoch && m.Offset > t.offset
	switch {
	case m.Epoch == t.epoch && m.Offset < t.offset:
		m.Offset = t.offset
	case ahead && !m.Flag && t.epoch != "":
		r.attach(now, t)
		return
	}
	t.epoch, t.offset = m.Epoch, m.Offset
	if m.Flag {
		r.node.Lost(t.name)
	}
	r.confirm(t, 0)
}

func (r *Relay) confirm(t *topic, count int) {
	r.send(&message.Message{Kind: message.Confirm, Topic: t.name, Offset: t.offset, Count: uint64(count)})
}

// deliver hands an event to the subscribers, unless they have it from an earlier home.
func (r *Relay) deliver(t *topic, m *message.Message) int {
	o := t.origin(m.Origin)
	if m.Start < o.start || m.Start == o.start && m.Number <= o.number {
		return 0
	}
	o.start, o.number = m.Start, m.Number
	return r.node.Deliver(m)
}

func (t *topic) origin(node message.Node) *origin {
	for i := range t.seen {
		if t.seen[i].node == node {
			return &t.seen[i]
		}
	}
	t.seen = append(t.seen, origin{node: node})
	return &t.seen[len(t.seen)-1]
}
