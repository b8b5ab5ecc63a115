package durable

import (
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// Standing is where a topic in the store stands.
type Standing struct {
	Name     string
	Position protocol.Position
	// Events is how many it remembers at most; its rule may let it tell fewer.
	Events int
}

// Topics are at most limit topics of a tenant whose names begin with prefix and come after a name, by name. It reads the
// disk. A topic whose head is damaged is left out: it is mended when somebody opens it.
func (s *Store) Topics(tenant, prefix, behind string, limit int) (found []Standing, err error) {
	for _, one := range s.partitions {
		some, err := one.topics(tenant, prefix, behind, limit)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	slices.SortFunc(found, func(a, b Standing) int { return strings.Compare(a.Name, b.Name) })
	return found[:min(limit, len(found))], nil
}
