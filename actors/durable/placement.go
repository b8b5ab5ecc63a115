package durable

// place is the slot of a topic: FNV-1a over both names, then the finish of SplitMix64, since FNV's low bits alone are
// not mixed well. It is part of the format on disk.
func partitionNumber(tenant, topic string, slots int) uint16 {
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
	return uint16((h ^ h>>31) % uint64(slots))
}
