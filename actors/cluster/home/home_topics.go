package home

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/cluster/message"
)

// Bounds of what is kept for nodes that missed a frame.
const (
	keepCount = 256
	keepBytes = 256 << 10 // of a topic
	keepAll   = 16 << 20  // of all topics
	// window is how many events of a topic may be on their way to a node.
	window = 256

	// idleAfter is how long a topic without followers is remembered, and sweepEvery how often the home looks.
	idleAfter  = 10 * time.Minute
	sweepEvery = time.Minute
)

// topic is a sequence of events.
type topic struct {
	name, epoch string
	newest      uint64
	kept        []message.Message // the newest events, by offset
	bytes       int               // in kept
	followers   []*follower
	waiting     []publish // by offset
	busy        bool      // it is in Home.busy
	used        time.Duration
}

// publish is an event whose publisher waits.
type publish struct {
	offset        uint64
	origin        message.Node
	start, number uint64
	count         uint64
}

// follower is a node with subscribers to a topic.
type follower struct {
	node            *node
	number          uint64 // of its subscription
	round           uint64
	sent, confirmed uint64 // offsets
	// A follower whose node is not in sync catches up in two steps. When it has confirmed all up to target, publishes
	// begin to wait for it, and target becomes what was answered until then. When it has confirmed that, it is level.
	target        uint64
	waited, level bool
}

func (h *Home) topic(name string) *topic {
	t := h.topics[name]
	if t == nil {
		t = &topic{name: name, epoch: h.host.NewEpoch()}
		h.topics[name] = t
	}
	return t
}

func (t *topic) follower(n *node) *follower {
	for _, f := range t.followers {
		if f.node == n {
			return f
		}
	}
	return nil
}

// append gives an event its offset and sends it to the nodes.
func (h *Home) append(now time.Duration, m *message.Message) {
	t := h.topic(m.Topic)
	t.newest++
	t.used = now
	t.waiting = append(t.waiting, publish{t.newest, m.Origin, m.Start, m.Number, 0})
	t.kept = append(t.kept, message.Message{
		Kind: message.Event, Topic: t.name, Epoch: t.epoch, Offset: t.newest,
		Origin: m.Origin, Start: m.Start, Number: m.Number, Body: slices.Clone(m.Body),
	})
	t.bytes += len(m.Body)
	h.kept += len(m.Body)
	for _, f := range t.followers {
		h.advance(t, f)
	}
	h.settle(now, t)
}

// trim drops the oldest events that do not fit the bounds. One whose publisher waits is kept beyond all bounds; the
// queues of the publishers' nodes bound these.
func (h *Home) trim(t *topic) {
	drop := 0
	for i := range t.kept {
		small := len(t.kept)-drop <= keepCount && t.bytes <= keepBytes && h.kept <= keepAll
		if small || len(t.waiting) > 0 && t.kept[i].Offset >= t.waiting[0].offset {
			break
		}
		t.bytes -= len(t.kept[i].Body)
		h.kept -= len(t.kept[i].Body)
		t.kept[i].Body = nil
		drop++
	}
	t.kept = t.kept[drop:]
}

// oldest is the offset behind which all events are kept.
func (t *topic) oldest() uint64 { return t.newest - uint64(len(t.kept)) }

// advance sends a node what it has not been sent, as far as its window goes. If that is not kept any more, the node
// has lost it.
func (h *Home) advance(t *topic, f *follower) {
	if f.sent < t.oldest() {
		h.start(t, f, t.newest, true)
	}
	for f.sent < t.newest && f.sent-f.confirmed < window {
		e := t.kept[f.sent-t.oldest()]
		f.sent++
		h.send(f.node.id, &e)
	}
}

// start tells a node behind which offset its events follow.
func (h *Home) start(t *topic, f *follower, offset uint64, lost bool) {
	if f.level {
		f.level = false
		f.node.behind++
	}
	f.sent, f.target, f.waited = offset, t.newest, false
	if !lost { // otherwise the node has to confirm that it knows
		f.confirmed = offset
	}
	h.send(f.node.id, &message.Message{
		Kind: message.Attached, Topic: t.name, Epoch: t.epoch, Offset: offset, Number: f.number, Flag: lost,
	})
}

// attach makes a node a follower, from a position on.
func (h *Home) attach(now time.Duration, n *node, m *message.Message) {
	t := h.topic(m.Topic)
	f := t.follower(n)
	if f == nil {
		f = &follower{node: n, number: m.Number}
		if m.Epoch == "" {
			f.confirmed = t.newest
		}
		t.followers = append(t.followers, f)
		n.behind++
		n.topics++
	}
	epoch, offset := m.Epoch, m.Offset
	if epoch == "" && f.number == m.Number { // it is the first question, or the node has no answer yet
		epoch, offset = t.epoch, f.confirmed
	}
	f.round, f.number, t.used = n.round, m.Number, now
	switch {
	case epoch == "":
		h.start(t, f, t.newest, false)
	case epoch == t.epoch && offset >= t.oldest() && offset <= t.newest:
		h.start(t, f, offset, false)
	case epoch != t.epoch && n.inSync && t.oldest() == 0:
		h.start(t, f, 0, false)
	default:
		h.start(t, f, t.newest, true)
	}
	h.advance(t, f)
	h.settle(now, t)
}

// confirm takes note of what a node has delivered.
func (h *Home) confirm(now time.Duration, n *node, m *message.Message) {
	t := h.topics[m.Topic]
	if t == nil {
		return
	}
	f := t.follower(n)
	if f == nil || m.Offset > f.sent {
		return
	}
	if m.Offset > f.confirmed && len(t.waiting) > 0 && m.Offset >= t.waiting[0].offset {
		t.waiting[m.Offset-t.waiting[0].offset].count += m.Count
	}
	f.confirmed = max(f.confirmed, m.Offset)
	if !f.waited && f.confirmed >= f.target {
		f.waited, f.target = true, t.answered()
	}
	if f.waited && !f.level && f.confirmed >= f.target {
		f.level = true
		n.behind--
	}
	h.advance(t, f)
	h.settle(now, t)
}

// remove ends the subscription of a node.
func (h *Home) remove(now time.Duration, t *topic, n *node) {
	for i, f := range t.followers {
		if f.node == n {
			if !f.level {
				n.behind--
			}
			n.topics--
			t.used = now
			t.followers = append(t.followers[:i], t.followers[i+1:]...)
			break
		}
	}
	h.settle(now, t)
}

// delivered is the offset up to which all nodes that count have confirmed.
func (t *topic) delivered() uint64 {
	least := t.newest
	for _, f := range t.followers {
		if f.waited || f.node.counts() {
			least = min(least, f.confirmed)
		}
	}
	return least
}

// answered is the offset up to which all publishers have their answers.
func (t *topic) answered() uint64 { return t.newest - uint64(len(t.waiting)) }

// settle answers the publishers of a topic that need not wait any longer.
func (h *Home) settle(now time.Duration, t *topic) {
	if now < h.lease {
		upto, done := t.delivered(), 0
		for done < len(t.waiting) && t.waiting[done].offset <= upto {
			h.answer(t, &t.waiting[done])
			done++
		}
		t.waiting = t.waiting[done:]
		h.trim(t)
	}
	if len(t.waiting) > 0 && !t.busy {
		t.busy = true
		h.busy = append(h.busy, t)
	}
}

// sweep forgets the topics that nobody uses.
func (h *Home) sweep(now time.Duration) {
	for name, t := range h.topics {
		if len(t.followers) == 0 && len(t.waiting) == 0 && !t.busy && now-t.used >= idleAfter {
			h.kept -= t.bytes
			delete(h.topics, name)
		}
	}
}
