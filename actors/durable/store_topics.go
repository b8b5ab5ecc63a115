package durable

import (
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// TopicInfo says where a topic in the store stands.
type TopicInfo struct {
	Name     string
	Position protocol.Position
	// Events is how many events the topic has at most; its rule may let it serve fewer.
	Events int
}

// Topics returns, by name, at most limit topics of a tenant whose names begin with prefix and come after the name
// behind. It reads the disk. It leaves out a topic whose head is damaged, which is repaired when somebody opens the
// topic.
func (s *Store) Topics(tenant, prefix, behind string, limit int) (found []TopicInfo, err error) {
	for _, one := range s.partitions {
		some, err := one.topics(tenant, prefix, behind, limit)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	slices.SortFunc(found, func(a, b TopicInfo) int { return strings.Compare(a.Name, b.Name) })
	return found[:min(limit, len(found))], nil
}
