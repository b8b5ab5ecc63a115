package durable

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
)

// seeds make the epochs of a partition. Both are the same until only relaxed events are lost.
type seeds struct{ strict, relaxed [16]byte }

// epoch derives a topic's epoch. So a topic that nobody has published to has one without a place in the store, and all
// topics of a partition get new ones when the partition gets a new seed.
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
