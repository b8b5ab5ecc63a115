package durable

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"time"

	"github.com/parley-realtime/parley/actors/history"
)

// Rule is how a durable topic is kept.
type Rule struct {
	Bounds history.Bounds
	// Dedup is how long an id is recognised, at most an hour; 0 is not at all.
	Dedup time.Duration
	// Relaxed answers before the disk has it. A crash of the machine may lose what was answered within the last
	// Config.SyncEvery, a kill -9 what was answered in the last moment. If anything is lost, the relaxed topics of the slot
	// begin new epochs.
	Relaxed bool
}

// head is what the store knows of a topic beside its events.
type head struct {
	floor  uint64 // events up to here are removed
	newest uint64
	sum    uint32 // of the newest event
	total  uint64 // of the newest event
	at     int64  // of the newest event
	salt   uint64 // makes the epoch, with the slot's seed
	rule   Rule

	tenant, topic string // from here on not stored
	epoch         string
	dirty         bool
}

const headVersion = 1

// Ids are kept by the span of time in which they were seen, so that a whole span is removed at once.
const (
	bucketSpan = 5 * time.Minute
	// MaxDedup is the longest time that an id is recognised.
	MaxDedup = time.Hour
)

func bucket(at int64) uint64 { return uint64(max(0, at) / int64(bucketSpan)) }

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

// headOf reads what append wrote. ok is false if it was not.
func decodeHead(key, value []byte) (h head, ok bool) {
	c := cursor{rest: value}
	check := c.uint32()
	if c.failed || check != checksum(key, value[4:]) || c.uint8() != headVersion {
		return h, false
	}
	h = head{floor: c.uvarint(), newest: c.uvarint(), sum: c.uint32(), total: c.uvarint(), at: int64(c.uint64()), salt: c.uvarint(), rule: decodeRule(&c)}
	return h, !c.failed
}

func appendRule(b []byte, r *Rule) []byte {
	b = binary.AppendUvarint(b, uint64(max(0, r.Bounds.Count)))
	b = binary.AppendUvarint(b, uint64(max(0, r.Bounds.Bytes)))
	b = binary.AppendUvarint(b, uint64(max(0, r.Bounds.Age)))
	b = binary.AppendUvarint(b, uint64(max(0, r.Dedup)))
	if r.Relaxed {
		return append(b, 1)
	}
	return append(b, 0)
}

func decodeRule(c *cursor) Rule {
	return Rule{Bounds: history.Bounds{Count: int(c.uvarint()), Bytes: int(c.uvarint()), Age: time.Duration(c.uvarint())},
		Dedup: time.Duration(c.uvarint()), Relaxed: c.uint8() == 1}
}

// seeds make the epochs of a slot. They are the same until something relaxed is lost and nothing else.
type seeds struct{ strict, relaxed [16]byte }

// epoch names a topic's epoch. It is derived, so that a topic that nobody has published to has one without a place in the
// store, and so that all topics of a slot get another when the slot gets another seed.
func (s *seeds) epoch(relaxed bool, salt uint64, tenant, topic string) string {
	seed := s.strict
	if relaxed {
		seed = s.relaxed
	}
	b := append(make([]byte, 0, 600), seed[:]...)
	b = appendName(binary.BigEndian.AppendUint64(b, salt), tenant, topic)
	full := sha256.Sum256(b)
	return base32.StdEncoding.EncodeToString(full[:])[:12]
}
