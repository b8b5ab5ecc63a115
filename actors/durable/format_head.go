package durable

import (
	"encoding/binary"
)

// head is what the store knows of a topic beside its events.
type head struct {
	floor  uint64 // the offset up to which events are removed
	newest uint64
	sum    uint32 // of the newest event
	total  uint64 // of the newest event
	at     int64  // of the newest event
	salt   uint64 // makes the epoch, with the partition's seed
	rule   Rule

	tenant, topic string // not stored, as are these
	epoch         string
	dirty         bool // the current entry has changed it
	cached        bool // it is among the state machine's heads
}

const headVersion = 1

func (h *head) append(b, key []byte) []byte {
	from := len(b)
	b = append(b, 0, 0, 0, 0, headVersion)
	b = binary.AppendUvarint(b, h.floor)
	b = binary.AppendUvarint(b, h.newest)
	b = binary.BigEndian.AppendUint32(b, h.sum)
	b = binary.AppendUvarint(b, h.total)
	b = binary.BigEndian.AppendUint64(b, uint64(h.at))
	b = binary.AppendUvarint(b, h.salt)
	b = appendRule(b, &h.rule)
	binary.BigEndian.PutUint32(b[from:], checksum(key, b[from+4:]))
	return b
}

// decodeHead decodes what head.append has encoded. ok is false if the value is damaged.
func decodeHead(key, value []byte) (h head, ok bool) {
	c := cursor{rest: value}
	check := c.uint32()
	if c.failed || check != checksum(key, value[4:]) || c.uint8() != headVersion {
		return h, false
	}
	h = head{
		floor: c.uvarint(), newest: c.uvarint(), sum: c.uint32(), total: c.uvarint(), at: int64(c.uint64()),
		salt: c.uvarint(), rule: decodeRule(&c),
	}
	return h, !c.failed
}
