package durable

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
)

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
