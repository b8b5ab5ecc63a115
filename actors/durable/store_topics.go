package durable

import (
	"bytes"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"

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

func (p *partition) topics(tenant, prefix, behind string, limit int) (found []Standing, err error) {
	whole := append(append(partitionKey(letterHead, p.number), tenant...), 0)
	from := append(slices.Clone(whole), max(prefix, behind)...)
	it, err := p.store.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: keyAfter(whole)})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	for ok := it.First(); ok && len(found) < limit; ok = it.Next() {
		name := string(bytes.TrimSuffix(it.Key()[len(whole):], []byte{0}))
		if !strings.HasPrefix(name, prefix) {
			break
		}
		h, good := decodeHead(it.Key(), it.Value())
		if !good || name == behind {
			continue
		}
		epoch := p.machine.seeds.Load().epoch(h.rule.Relaxed, h.salt, tenant, name)
		found = append(found, Standing{name, protocol.Position{Epoch: epoch, Offset: h.newest}, min(int(h.newest-h.floor), h.rule.Bounds.Count)})
	}
	return found, it.Error()
}
