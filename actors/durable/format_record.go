package durable

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// record is an event in the store. Its checksum covers its key and all of the record, and the record holds the checksum
// of the event before it: so an event that was changed, moved or left out is noticed.
type record struct {
	sum   uint32 // CRC-32C
	prev  uint32 // checksum of the event before it, 0 at the first
	at    int64  // Unix nanoseconds when it came; never before the event before it
	total uint64 // bytes that the topic's events up to this one count against Bounds.Bytes
	body  []byte
}

const recordHeader = 4 + 4 + 8 + 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// append encodes the record to the end of b, and sets its checksum.
func (r *record) append(b, key []byte) []byte {
	from := len(b)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, r.prev)
	b = binary.BigEndian.AppendUint64(b, uint64(r.at))
	b = binary.BigEndian.AppendUint64(b, r.total)
	b = append(b, r.body...)
	r.sum = checksum(key, b[from+4:])
	binary.BigEndian.PutUint32(b[from:], r.sum)
	return b
}

func checksum(key, rest []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, rest)
}

// decodeRecord decodes a record; its body is a part of value. ok is false if the record is damaged, or is not that of
// the key.
func decodeRecord(key, value []byte) (r record, ok bool) {
	if len(value) < recordHeader {
		return r, false
	}
	c := cursor{rest: value}
	r = record{sum: c.uint32(), prev: c.uint32(), at: int64(c.uint64()), total: c.uint64(), body: c.rest}
	return r, r.sum == checksum(key, value[4:])
}

// appendEvent encodes the body of a record. The id comes first, since the state machine asks for it.
func appendEvent(b []byte, topic string, ev *protocol.Event) []byte {
	b = appendText(b, ev.ID)
	b = appendText(b, string(ev.Kind))
	b = appendText(b, ev.Key)
	if ev.Topic == topic {
		b = appendText(b, "")
	} else {
		b = appendText(b, ev.Topic) // it came from a topic below
	}
	stamp, err := ev.Time.MarshalBinary()
	if err != nil { // a zone with an offset that no zone has
		stamp, _ = ev.Time.UTC().MarshalBinary()
	}
	b = appendText(b, stamp)
	return append(b, ev.Data...)
}

// decodeEvent decodes the body of a record; nothing of the event is a part of body.
func decodeEvent(topic string, body []byte) (*protocol.Event, error) {
	c := cursor{rest: body}
	d := protocol.EventInput{ID: c.text(), Kind: protocol.Kind(c.text()), Key: c.text(), Topic: c.text()}
	if d.Topic == "" {
		d.Topic = topic
	}
	var stamp time.Time
	if err := stamp.UnmarshalBinary(c.bytes()); err != nil {
		return nil, err
	}
	d.Time, d.Data = stamp, append([]byte(nil), c.rest...)
	return protocol.NewEvent(d)
}

// eventID is what an event is recognised by: its id, and the topic that it came from if that is one below. Topics below
// may use the same ids.
func eventID(body []byte) string {
	c := cursor{rest: body}
	id := c.text()
	c.bytes() // kind
	c.bytes() // key
	if from := c.text(); from != "" {
		return from + "\x00" + id
	}
	return id
}

// countedBytes is what a body counts against Bounds.Bytes, the same as in a history.Memory.
func countedBytes(body []byte) uint64 {
	c := cursor{rest: body}
	for range 5 {
		c.bytes()
	}
	return uint64(len(c.rest)) + 256
}
