package durable

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/parley-realtime/parley/protocol"
)

// readHead reads what the store knows of a topic. It returns nil if the store does not know it, and errDamagedHead if
// what it knows is damaged.
func (p *partition) readHead(tenant, topic string) (*head, error) {
	key := headKey(p.number, tenant, topic)
	value, closer, err := p.store.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	h, ok := decodeHead(key, value)
	if !ok {
		return nil, errDamagedHead
	}
	h.tenant, h.topic = tenant, topic
	h.epoch = p.machine.seeds.Load().epoch(h.rule.Relaxed, h.salt, tenant, topic)
	return &h, nil
}

// readRecord reads one event; its body is a copy.
func (p *partition) readRecord(tenant, topic string, offset uint64) (r record, err error) {
	key := eventKey(p.number, tenant, topic, offset)
	value, closer, err := p.store.db.Get(key)
	if err != nil {
		return r, err
	}
	defer closer.Close()
	r, ok := decodeRecord(key, append([]byte(nil), value...))
	if !ok {
		return r, errChecksum
	}
	return r, nil
}

func (p *partition) topics(tenant, prefix, behind string, limit int) (found []TopicInfo, err error) {
	whole := append(append(partitionKey(prefixHead, p.number), tenant...), 0)
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
		found = append(found, TopicInfo{
			Name: name, Position: protocol.Position{Epoch: epoch, Offset: h.newest},
			Events: min(int(h.newest-h.floor), h.rule.Bounds.Count),
		})
	}
	return found, it.Error()
}
