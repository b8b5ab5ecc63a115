package durable

import "encoding/binary"

// opType is what an operation does to the state machine.
type opType byte

// The numbers are part of the format on disk.
const (
	opAdd    opType = 1 // a topic gets an event
	opTrim   opType = 2 // a topic loses its oldest events
	opForget opType = 3 // an empty topic is removed
	opReseed opType = 4 // all topics of the partition, or all relaxed ones, get new epochs
	opRepair opType = 5 // a topic loses its newest events, which are damaged, and gets a new epoch
	opProbe  opType = 6 // nothing: its answer shows that the partition takes operations
	opRenew  opType = 7 // a topic gets a new epoch and keeps its events; "": all that nobody has published to
)

// operation is one operation of an entry of the log. All that depends on a clock or on chance is in the entry: applied
// to the same state it does the same on every node.
type operation struct {
	op            opType
	tenant, topic string

	now   int64  // add: Unix nanoseconds
	dedup bool   // add: refuse the event if its id was seen
	rule  *Rule  // add: the topic's rule from now on; nil leaves it
	body  []byte // add

	epoch       string   // trim: the epoch that it is about
	offset      uint64   // trim: the newest to go; forget: the newest there is
	seed        [16]byte // reseed
	relaxedOnly bool     // reseed: of the relaxed topics only
	head        head     // repair: what is left
}

// Flags of an add.
const (
	flagDedup = 1 << iota
	flagRule
)

func (o *operation) append(b []byte) []byte {
	b = append(b, byte(o.op))
	b = appendText(appendText(b, o.tenant), o.topic)
	switch o.op {
	case opAdd:
		return o.appendAdd(b)
	case opTrim:
		return binary.AppendUvarint(appendText(b, o.epoch), o.offset)
	case opForget:
		return binary.AppendUvarint(b, o.offset)
	case opReseed:
		if o.relaxedOnly {
			return append(append(b, 1), o.seed[:]...)
		}
		return append(append(b, 0), o.seed[:]...)
	case opRepair:
		return appendText(b, o.head.append(nil, nil))
	case opProbe, opRenew:
		return b
	}
	panic("an operation without a type")
}

func (o *operation) appendAdd(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(o.now))
	var bits byte
	if o.dedup {
		bits |= flagDedup
	}
	if o.rule != nil {
		bits |= flagRule
	}
	b = append(b, bits)
	if o.rule != nil {
		b = appendRule(b, o.rule)
	}
	return appendText(b, o.body)
}

// decode decodes what append has encoded; body is a part of the input. ok is false at the end of the input, and where
// it cannot be decoded: then the cursor has failed.
func (o *operation) decode(c *cursor) (ok bool) {
	if len(c.rest) == 0 {
		return false
	}
	*o = operation{op: opType(c.uint8()), tenant: c.text(), topic: c.text()}
	switch o.op {
	case opAdd:
		o.decodeAdd(c)
	case opTrim:
		o.epoch, o.offset = c.text(), c.uvarint()
	case opForget:
		o.offset = c.uvarint()
	case opReseed:
		o.relaxedOnly = c.uint8() == 1
		copy(o.seed[:], c.take(16))
	case opRepair:
		var good bool
		o.head, good = decodeHead(nil, c.bytes())
		c.failed = c.failed || !good
	case opProbe, opRenew:
	default:
		c.failed = true
	}
	return !c.failed
}

func (o *operation) decodeAdd(c *cursor) {
	o.now = int64(c.uint64())
	bits := c.uint8()
	o.dedup = bits&flagDedup != 0
	if bits&flagRule != 0 {
		rule := decodeRule(c)
		o.rule = &rule
	}
	o.body = c.bytes()
}

// An entry is one byte that says when it is answered, and operations.
const (
	entryStrict  = 1 // when it is on disk
	entryRelaxed = 2 // before
)

func isRelaxed(entry []byte) bool { return len(entry) > 0 && entry[0] == entryRelaxed }
