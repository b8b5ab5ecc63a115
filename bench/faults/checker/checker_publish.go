package checker

import (
	"cmp"
	"slices"
)

// publishes takes what was sent and acknowledged.
func (c *check) publishes() {
	for _, n := range c.topic.Sent {
		c.sent[n] = true
	}
	epochs := map[string]int{}
	at := map[place]uint64{}
	for _, a := range c.topic.Acks {
		if _, known := epochs[a.Epoch]; !known {
			epochs[a.Epoch] = len(epochs)
		}
		here := place{epochs[a.Epoch], a.Offset}
		there, again := c.placed[a.Number]
		switch {
		case !c.sent[a.Number]:
			c.fault(Invention, "event %d was acknowledged and never sent", a.Number)
			continue
		case again && there != here && there.epoch == here.epoch:
			c.fault(Duplicate, "event %d was acknowledged at %d and at %d", a.Number, there.offset, here.offset)
			continue
		case again:
			continue
		}
		if other, taken := at[here]; taken {
			c.fault(Disorder, "events %d and %d were both acknowledged at %s %d", other, a.Number, a.Epoch, a.Offset)
		}
		at[here] = a.Number
		c.placed[a.Number] = here
		c.order = append(c.order, a)
	}
	slices.SortStableFunc(c.order, func(a, b Ack) int {
		x, y := c.placed[a.Number], c.placed[b.Number]
		return cmp.Or(cmp.Compare(x.epoch, y.epoch), cmp.Compare(x.offset, y.offset))
	})
}

// record wants that what was acknowledged last is remembered, as far back as the record reaches.
func (c *check) record() {
	r := c.topic.Record
	if r == nil {
		return
	}
	kept := map[uint64]uint64{} // number to offset
	for i, e := range r.Events {
		if !c.sent[e.Number] {
			c.fault(Invention, "the server remembers event %d, which nobody sent", e.Number)
		}
		if _, twice := kept[e.Number]; twice {
			c.fault(Duplicate, "the server remembers event %d twice", e.Number)
		}
		if i > 0 && e.Offset != r.Events[i-1].Offset+1 {
			c.fault(Gap, "in the server's memory offset %d follows %d", e.Offset, r.Events[i-1].Offset)
		}
		kept[e.Number] = e.Offset
	}
	for _, a := range c.order {
		offset, there := kept[a.Number]
		switch {
		case a.Epoch != r.Epoch, len(r.Events) > 0 && a.Offset < r.Events[0].Offset:
		case !there:
			c.fault(Loss, "event %d was acknowledged at %s %d, which the server does not remember", a.Number, a.Epoch,
				a.Offset)
		case offset != a.Offset:
			c.fault(Disorder, "event %d was acknowledged at %d and is remembered at %d", a.Number, a.Offset, offset)
		}
	}
}
