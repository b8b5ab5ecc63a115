package durable

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/parley-realtime/parley/protocol"
)

// stateReader reads from the disk what a state machine has stored. Its methods may be called from any goroutine.
type stateReader struct{ machine *stateMachine }

// head reads what the store knows of a topic. It returns nil if the store does not know it, and errDamagedHead if what
// it knows is damaged.
func (s stateReader) head(tenant, topic string) (*head, error) {
	key := headKey(s.machine.partition, tenant, topic)
	value, closer, err := s.machine.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	if h := s.decode(key, value, tenant, topic); h != nil {
		return h, nil
	}
	return nil, errDamagedHead
}

// decode returns the head of a topic, nil if it is damaged.
func (s stateReader) decode(key, value []byte, tenant, topic string) *head {
	h, ok := decodeHead(key, value)
	if !ok {
		return nil
	}
	h.tenant, h.topic = tenant, topic
	h.epoch = s.machine.seeds.Load().epoch(h.rule.Relaxed, h.salt, tenant, topic)
	return &h
}

// newHead is the head of a topic that nobody has published to.
func (s stateReader) newHead(tenant, topic string, rule *Rule) *head {
	salt := s.machine.generation.Load()
	epoch := s.machine.seeds.Load().epoch(rule.Relaxed, salt, tenant, topic)
	return &head{tenant: tenant, topic: topic, epoch: epoch}
}

// eachTopic calls do for each topic of the partition, with a nil head if that is damaged. It ends at the first error
// that do returns, and returns it.
func (s stateReader) eachTopic(do func(tenant, topic string, h *head) error) error {
	from, to := keyRange(prefixHead, s.machine.partition)
	it, err := s.machine.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		t, rest, _ := bytes.Cut(it.Key()[len(from):], []byte{0})
		tenant, topic := string(t), string(bytes.TrimSuffix(rest, []byte{0}))
		if err := do(tenant, topic, s.decode(it.Key(), it.Value(), tenant, topic)); err != nil {
			return err
		}
	}
	return it.Error()
}

// TopicInfo says where a topic in the store stands.
type TopicInfo struct {
	Name     string
	Position protocol.Position
	// Events is how many events the topic has at most; its rule may let it serve fewer.
	Events int
}

// topics returns topics of the partition as Store.Topics does.
func (s stateReader) topics(tenant, prefix, behind string, limit int) (found []TopicInfo, err error) {
	whole := append(append(partitionKey(prefixHead, s.machine.partition), tenant...), 0)
	from := append(slices.Clone(whole), max(prefix, behind)...)
	it, err := s.machine.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: keyAfter(whole)})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	for ok := it.First(); ok && len(found) < limit; ok = it.Next() {
		name := string(bytes.TrimSuffix(it.Key()[len(whole):], []byte{0}))
		if !strings.HasPrefix(name, prefix) {
			break
		}
		h := s.decode(it.Key(), it.Value(), tenant, name)
		if h == nil || name == behind {
			continue
		}
		found = append(found, TopicInfo{
			Name: name, Position: protocol.Position{Epoch: h.epoch, Offset: h.newest},
			Events: min(int(h.newest-h.floor), h.rule.Bounds.Count),
		})
	}
	return found, it.Error()
}

// record reads one event; its body is a copy. The error is pebble.ErrNotFound if there is none, and errChecksum if it
// is damaged.
func (s stateReader) record(tenant, topic string, offset uint64) (r record, err error) {
	key := eventKey(s.machine.partition, tenant, topic, offset)
	value, closer, err := s.machine.db.Get(key)
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

var errChecksum = errors.New("its sum is wrong")

// isDamage reports whether an error says that what was stored is not what is read.
func isDamage(err error) bool {
	return errors.Is(err, errDamagedHead) || errors.Is(err, errDamagedID) || errors.Is(err, errChecksum) ||
		pebble.IsCorruptionError(err)
}

// rebuildHead makes a head of the events that can be read.
func (s stateReader) rebuildHead(tenant, topic string, rule Rule) (*head, error) {
	h := &head{rule: rule}
	m := s.machine
	first := eventKey(m.partition, tenant, topic, 0)
	it, err := m.db.NewIter(&pebble.IterOptions{LowerBound: first, UpperBound: keyAfter(first[:len(first)-8])})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		r, intact := decodeRecord(it.Key(), it.Value())
		offset := binary.BigEndian.Uint64(it.Key()[len(first)-8:])
		switch {
		case !intact || h.newest > 0 && offset != h.newest+1:
			return h, nil
		case h.newest == 0:
			h.floor = offset - 1
		}
		h.newest, h.sum, h.total, h.at = offset, r.sum, r.total, r.at
	}
	return h, nil // an iterator that fails has ended in front of the damage
}
