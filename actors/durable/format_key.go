package durable

import "encoding/binary"

// All partitions share one Pebble. A key is a prefix of one letter, the partition, and what the prefix asks for:
//
//	h tenant 0 topic 0            head of a topic
//	e tenant 0 topic 0 offset     event
//	d bucket tenant 0 topic 0 id  id that was seen in a span of time
//	s                             what the state machine stores of itself
//	l index                       entry of the Raft log
//	v name                        Raft's term and vote
//	m                             marker: the newest snapshot
//	x number                      chunk of a snapshot that another node sent
//
// Names hold no control characters (protocol.CheckName), so a zero byte ends them. Numbers are big endian, so that keys
// sort by them. The keys without a partition hold what is true of the whole store: "!" and "~" its name, "@" its clock,
// "#" its origin.
const (
	prefixHead   = 'h'
	prefixEvent  = 'e'
	prefixID     = 'd'
	prefixState  = 's'
	prefixLog    = 'l'
	prefixVote   = 'v'
	prefixMarker = 'm'
	prefixChunk  = 'x'
)

var storeKey, storeKeyCopy, clockKey, originKey = []byte("!"), []byte("~"), []byte("@"), []byte("#")

// replicatedPrefixes are those of the state machine's keys: what a snapshot holds.
var replicatedPrefixes = []byte{prefixHead, prefixEvent, prefixID, prefixState}

func partitionKey(prefix byte, partition uint16) []byte {
	return binary.BigEndian.AppendUint16(append(make([]byte, 0, 64), prefix), partition)
}

// keyRange is the range of all keys of a partition with a prefix.
func keyRange(prefix byte, partition uint16) (from, to []byte) {
	from = partitionKey(prefix, partition)
	return from, keyAfter(from)
}

// keyAfter is the first key behind all that begin with prefix. The last byte of a prefix is not 0xff, since partitions
// end below 65535.
func keyAfter(prefix []byte) []byte {
	for i := len(prefix) - 1; ; i-- {
		if prefix[i] != 0xff {
			end := append([]byte(nil), prefix[:i+1]...)
			end[i]++
			return end
		}
	}
}

func numberedKey(prefix byte, partition uint16, n uint64) []byte {
	return binary.BigEndian.AppendUint64(partitionKey(prefix, partition), n)
}

func appendName(key []byte, tenant, topic string) []byte {
	key = append(append(key, tenant...), 0)
	return append(append(key, topic...), 0)
}

func headKey(partition uint16, tenant, topic string) []byte {
	return appendName(partitionKey(prefixHead, partition), tenant, topic)
}

func eventKey(partition uint16, tenant, topic string, offset uint64) []byte {
	return binary.BigEndian.AppendUint64(appendName(partitionKey(prefixEvent, partition), tenant, topic), offset)
}

func idKey(partition uint16, bucket uint64, tenant, topic, id string) []byte {
	return append(appendName(numberedKey(prefixID, partition, bucket), tenant, topic), id...)
}

// partitionNumber is the partition of a topic: FNV-1a over both names, then the finish of SplitMix64, since FNV's low
// bits alone are not mixed well. It is part of the format on disk.
func partitionNumber(tenant, topic string, partitions int) uint16 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(tenant) {
		h = (h ^ uint64(tenant[i])) * prime
	}
	h *= prime // a zero byte between the names
	for i := range len(topic) {
		h = (h ^ uint64(topic[i])) * prime
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return uint16((h ^ h>>31) % uint64(partitions))
}
