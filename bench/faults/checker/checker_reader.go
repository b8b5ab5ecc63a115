package checker

import "slices"

// reader wants that one reader heard each event once, in order, and none too few.
func (c *check) reader(r *Reader) {
	heard := make(map[uint64]bool, len(r.Heard))
	for _, n := range r.Heard {
		switch {
		case n == Break:
		case !c.sent[n]:
			c.fault(Invention, "%s heard event %d, which nobody sent", r.Name, n)
		case heard[n]:
			c.fault(Duplicate, "%s heard event %d twice", r.Name, n)
		default:
			heard[n] = true
		}
	}
	for begin, i := 0, 0; i <= len(r.Heard); i++ {
		if i == len(r.Heard) || r.Heard[i] == Break {
			c.stretch(r, r.Heard[begin:i], heard)
			begin = i + 1
		}
	}
	if r.Whole {
		for _, a := range c.order {
			if !heard[a.Number] {
				c.fault(Gap, "%s did not hear event %d (%s %d)", r.Name, a.Number, a.Epoch, a.Offset)
			}
		}
	}
}

// stretch looks at what a reader heard without a break.
func (c *check) stretch(r *Reader, numbers []uint64, heard map[uint64]bool) {
	var first, last Ack
	var any bool
	for _, n := range numbers {
		here, placed := c.placed[n]
		if !placed {
			continue
		}
		if !any {
			first.Number, any = n, true
		} else if before := c.placed[last.Number]; here.before(before) {
			c.fault(Disorder, "%s heard event %d (offset %d) after event %d (offset %d)", r.Name, n, here.offset,
				last.Number, before.offset)
			continue
		}
		last.Number = n
	}
	if any && !r.Whole {
		c.between(r, c.placed[first.Number], c.placed[last.Number], heard)
	}
}

// between wants that the reader heard all events between two positions.
func (c *check) between(r *Reader, first, last place, heard map[uint64]bool) {
	begin, _ := slices.BinarySearchFunc(c.order, first, func(a Ack, p place) int {
		if c.placed[a.Number].before(p) {
			return -1
		}
		return 1
	})
	for _, a := range c.order[begin:] {
		if last.before(c.placed[a.Number]) {
			return
		}
		if !heard[a.Number] {
			c.fault(Gap, "%s did not hear event %d (offset %d), which lies between two that it heard", r.Name, a.Number,
				a.Offset)
		}
	}
}

// oneOrder wants that all readers heard what they share in the order of the one that heard most.
func (c *check) oneOrder() {
	if len(c.topic.Readers) == 0 {
		return
	}
	most := slices.MaxFunc(c.topic.Readers, func(a, b Reader) int { return len(a.Heard) - len(b.Heard) })
	at := make(map[uint64]int, len(most.Heard))
	for i, n := range most.Heard {
		if _, twice := at[n]; !twice {
			at[n] = i
		}
	}
	for _, r := range c.topic.Readers {
		last, before := -1, uint64(0)
		for _, n := range r.Heard {
			i, shared := at[n]
			if n == Break || !shared {
				continue
			}
			if i < last {
				c.fault(Disorder, "%s heard event %d before %d, %s the other way round", r.Name, before, n, most.Name)
				break
			}
			last, before = i, n
		}
	}
}
