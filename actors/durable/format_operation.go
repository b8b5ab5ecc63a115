package durable

import "encoding/binary"

// deed is what an operation does to the state machine.
type deed byte

// The numbers are part of the format on disk.
const (
	deedAdd    deed = 1 // a topic gets an event
	deedTrim   deed = 2 // a topic loses its oldest events
	deedForget deed = 3 // a topic that is empty is removed
	deedReseed deed = 4 // all topics of the slot, or all relaxed ones, get new epochs
	deedMend   deed = 5 // a topic loses its newest events, which are damaged, and gets a new epoch
	deedProbe  deed = 6 // nothing: whoever is answered knows that the slot takes operations
	deedRenew  deed = 7 // a topic gets a new epoch and keeps its events; without a name, all that nobody has published to
)

// operation is one line of an entry of the log. An entry says all that depends on a clock or on chance: applied to the
// same state it does the same on every node.
type operation struct {
	deed          deed
	tenant, topic string

	now       int64  // add: Unix nanoseconds
	recognise bool   // add: refuse the id if it was seen
	rule      *Rule  // add: the topic's from now on; nil leaves it
	body      []byte // add

	epoch  string   // trim: the one that is meant
	offset uint64   // trim: the newest to go; forget: the newest there is
	seed   [16]byte // reseed
	part   bool     // reseed: of the relaxed topics only
	head   head     // mend: what is left
}

// Bits of an add.
const (
	bitRecognise = 1 << iota
	bitRule
)

func (o *operation) append(b []byte) []byte {
	b = append(b, byte(o.deed))
	b = appendText(appendText(b, o.tenant), o.topic)
	switch o.deed {
	case deedAdd:
		return o.appendAdd(b)
	case deedTrim:
		return binary.AppendUvarint(appendText(b, o.epoch), o.offset)
	case deedForget:
		return binary.AppendUvarint(b, o.offset)
	case deedReseed:
		if o.part {
			return append(append(b, 1), o.seed[:]...)
		}
		return append(append(b, 0), o.seed[:]...)
	case deedMend:
		return appendText(b, o.head.append(nil, nil))
	case deedProbe, deedRenew:
		return b
	}
	panic("an operation without a deed")
}

func (o *operation) appendAdd(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(o.now))
	var bits byte
	if o.recognise {
		bits |= bitRecognise
	}
	if o.rule != nil {
		bits |= bitRule
	}
	b = append(b, bits)
	if o.rule != nil {
		b = appendRule(b, o.rule)
	}
	return appendText(b, o.body)
}

// next reads what append wrote; body is a piece of the entry. ok is false at the end, and at what cannot be read: then
// the cursor is bad.
func (o *operation) next(c *cursor) (ok bool) {
	if len(c.rest) == 0 {
		return false
	}
	*o = operation{deed: deed(c.octet()), tenant: c.text(), topic: c.text()}
	switch o.deed {
	case deedAdd:
		o.nextAdd(c)
	case deedTrim:
		o.epoch, o.offset = c.text(), c.number()
	case deedForget:
		o.offset = c.number()
	case deedReseed:
		o.part = c.octet() == 1
		copy(o.seed[:], c.take(16))
	case deedMend:
		var good bool
		o.head, good = headOf(nil, c.bytes())
		c.bad = c.bad || !good
	case deedProbe, deedRenew:
	default:
		c.bad = true
	}
	return !c.bad
}

func (o *operation) nextAdd(c *cursor) {
	o.now = int64(c.fixed())
	bits := c.octet()
	o.recognise = bits&bitRecognise != 0
	if bits&bitRule != 0 {
		rule := ruleOf(c)
		o.rule = &rule
	}
	o.body = c.bytes()
}

// An entry is a byte that says how it is kept, and operations.
const (
	entryStrict  = 1 // answered when it is on disk
	entryRelaxed = 2 // answered before
)

func relaxed(entry []byte) bool { return len(entry) > 0 && entry[0] == entryRelaxed }
