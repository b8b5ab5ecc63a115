package home

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/cluster/entry"
	"github.com/parley-realtime/parley/actors/cluster/message"
)

// origin is a node as a source of publishes.
type origin struct {
	node   message.Node
	start  uint64
	newest uint64 // number of its newest publish that has an offset
	// answers are those that it may not have got yet, by number.
	answers []message.Message
}

// maxEarly bounds the publishes that wait until the home is open. The next ones get no answer before their deadline.
const maxEarly = 4 * entry.MaxWaiting

// publish gives a publish its offset, or repeats the answer to it. One whose predecessor has not come is ignored: that
// was lost, and its origin is going to send both again.
func (h *Home) publish(now time.Duration, m *message.Message) {
	o := h.origins.of(m.Origin, m.Start)
	if o == nil || !h.open && len(h.early) >= maxEarly {
		return
	}
	o.forget(m.Offset)
	switch {
	case m.Number <= o.newest:
		if a := o.answer(m.Number); a != nil {
			h.send(m.Origin, a)
		}
	case m.Count > o.newest:
	case h.open:
		o.newest = m.Number
		h.append(now, m)
	default:
		o.newest = m.Number
		e := *m
		e.Body = slices.Clone(m.Body)
		h.early = append(h.early, e)
	}
}

// origins are the nodes that have published.
type origins []*origin

// of is a node as a source; nil for a former process of it.
func (all *origins) of(from message.Node, start uint64) *origin {
	for _, o := range *all {
		if o.node != from {
			continue
		}
		if start > o.start {
			*o = origin{node: from, start: start}
		}
		if start < o.start {
			return nil
		}
		return o
	}
	o := &origin{node: from, start: start}
	*all = append(*all, o)
	return o
}

// forget drops the answers that the origin has.
func (o *origin) forget(before uint64) {
	n := 0
	for n < len(o.answers) && o.answers[n].Number < before {
		n++
	}
	o.answers = o.answers[n:]
}

func (o *origin) answer(number uint64) *message.Message {
	for i := range o.answers {
		if o.answers[i].Number == number {
			return &o.answers[i]
		}
	}
	return nil
}

// answer answers a publish whose event has been delivered.
func (h *Home) answer(t *topic, p *publish) {
	a := message.Message{
		Kind: message.Answer, Epoch: t.epoch, Offset: p.offset, Number: p.number, Count: p.count,
	}
	if o := h.origins.of(p.origin, p.start); o != nil {
		o.answers = append(o.answers, a)
		h.send(p.origin, &a)
	}
}
