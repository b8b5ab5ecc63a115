package durable

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// add gives an event its offset, unless its id was seen.
func (m *stateMachine) add(b *pebble.Batch, h *head, o *operation) history.Outcome {
	if o.rule != nil && *o.rule != h.rule {
		h.rule = *o.rule
		m.setEpoch(h)
		m.markDirty(h)
	}
	id, now := "", m.idTime(o.now)
	if o.dedup && h.rule.Dedup > 0 {
		id = eventID(o.body)
		if first, known, err := m.lookUpID(h, now, id); err != nil || known {
			return history.Outcome{Position: first, Duplicate: known, Err: err}
		}
	}
	out := history.Outcome{Err: m.appendEvent(b, h, o)}
	out.Position = protocol.Position{Epoch: h.epoch, Offset: h.newest}
	if id != "" && out.Err == nil {
		out.Err = m.writeID(b, h, now, id)
	}
	return out
}

// write puts an event behind the newest one.
func (m *stateMachine) appendEvent(b *pebble.Batch, h *head, o *operation) error {
	h.newest++
	h.at = max(h.at, o.now)
	h.total += countedBytes(o.body)
	r := record{prev: h.sum, at: h.at, total: h.total, body: o.body}
	key := eventKey(m.partition, h.tenant, h.topic, h.newest)
	m.scratch = r.append(m.scratch[:0], key)
	h.sum = r.sum
	m.markDirty(h)
	return b.Set(key, m.scratch, nil)
}

// trim removes the oldest events of a topic, up to an offset.
func (m *stateMachine) trim(b *pebble.Batch, h *head, o *operation) error {
	if o.epoch != h.epoch || o.offset <= h.floor || o.offset > h.newest {
		return nil // of what it was about, nothing is left
	}
	from := eventKey(m.partition, h.tenant, h.topic, h.floor+1)
	h.floor = o.offset
	m.markDirty(h)
	return b.DeleteRange(from, eventKey(m.partition, h.tenant, h.topic, h.floor+1), nil)
}

// forget removes a topic, if nothing was published to it meanwhile.
func (m *stateMachine) forget(b *pebble.Batch, h *head, o *operation) error {
	if h.newest != o.offset || h.dirty {
		return nil
	}
	m.state.generation++
	m.generation.Store(m.state.generation)
	key := headKey(m.partition, h.tenant, h.topic)
	m.heads.Remove(string(key))
	from := eventKey(m.partition, h.tenant, h.topic, 0)
	return errors.Join(b.Delete(key, nil), b.DeleteRange(from, keyAfter(from[:len(from)-8]), nil))
}

// reseed gives all topics of the slot, or all relaxed ones, new epochs.
func (m *stateMachine) reseed(o *operation) history.Outcome {
	m.state.seeds.relaxed = o.seed
	if !o.relaxedOnly {
		m.state.seeds.strict = o.seed
	}
	for _, h := range m.heads.Values() {
		m.setEpoch(h)
	}
	now := m.state.seeds
	m.seeds.Store(&now)
	return history.Outcome{}
}

// renew gives a topic a new epoch: the salt is one that it never had.
func (m *stateMachine) renew(h *head) {
	h.salt = m.state.generation
	m.setEpoch(h)
	m.markDirty(h)
}

// mend makes a topic what the operation says is left of it. Its new salt makes a new epoch.
func (m *stateMachine) mend(b *pebble.Batch, o *operation) error {
	h := o.head
	h.tenant, h.topic = o.tenant, o.topic
	m.setEpoch(&h)
	m.heads.Add(string(headKey(m.partition, h.tenant, h.topic)), &h)
	m.markDirty(&h)
	first := eventKey(m.partition, h.tenant, h.topic, 0)
	return errors.Join(
		b.DeleteRange(first, eventKey(m.partition, h.tenant, h.topic, h.floor+1), nil),
		b.DeleteRange(eventKey(m.partition, h.tenant, h.topic, h.newest+1), keyAfter(first[:len(first)-8]), nil),
		m.removeIDs(b, &h))
}

// reached is when an entry is, for ids: an entry says what its leader's clock says, and that of another leader may be
// behind. It is never before the newest span of time in which an id was seen.
func (m *stateMachine) idTime(now int64) int64 {
	return max(now, int64(m.state.newestBucket)*int64(bucketSpan))
}

// seen finds the position of the event that had this id in the topic's window.
func (m *stateMachine) lookUpID(h *head, now int64, id string) (first protocol.Position, known bool, err error) {
	since := now - int64(h.rule.Dedup)
	if err := m.openIDs(); err != nil {
		return first, false, err
	}
	for span := bucket(now); ; span-- {
		key := idKey(m.partition, span, h.tenant, h.topic, id)
		if out, ok := m.entryIDs[string(key)]; ok {
			return out.Position, true, nil
		}
		if m.olderIDs.SeekPrefixGE(key) {
			at, position := decodeID(m.olderIDs.Value())
			return position, at >= since, nil
		}
		if err := m.olderIDs.Error(); err != nil || span <= bucket(since) {
			return first, false, err
		}
	}
}

// lookUp opens what ids are looked up in, once per entry. It asks the filters of all levels, which a Get does not.
func (m *stateMachine) openIDs() (err error) {
	if m.olderIDs == nil {
		from, to := keyRange(letterID, m.partition)
		m.olderIDs, err = m.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to, UseL6Filters: true})
	}
	return err
}

// remember notes an id with the position of its event.
func (m *stateMachine) writeID(b *pebble.Batch, h *head, now int64, id string) error {
	position := protocol.Position{Epoch: h.epoch, Offset: h.newest}
	key := idKey(m.partition, bucket(now), h.tenant, h.topic, id)
	m.entryIDs[string(key)] = history.Outcome{Position: position}
	value := binary.BigEndian.AppendUint64(nil, uint64(now))
	value = appendText(binary.AppendUvarint(value, position.Offset), position.Epoch)
	return errors.Join(b.Set(key, value, nil), m.expireIDs(b, bucket(now)))
}

func decodeID(value []byte) (at int64, p protocol.Position) {
	c := cursor{rest: value}
	at = int64(c.uint64())
	p.Offset, p.Epoch = c.uvarint(), c.text()
	return at, p
}

// rotate removes the spans of time that no window reaches into.
func (m *stateMachine) expireIDs(b *pebble.Batch, span uint64) error {
	if span <= m.state.newestBucket {
		return nil
	}
	m.state.newestBucket = span
	keep := span - min(span, uint64(MaxDedup/bucketSpan)+1)
	return b.DeleteRange(numberedKey(letterID, m.partition, 0), numberedKey(letterID, m.partition, keep), nil)
}

// unsee removes the ids of events that a topic has no more, so that they can be published again.
func (m *stateMachine) removeIDs(b *pebble.Batch, h *head) error {
	from, to := keyRange(letterID, m.partition)
	it, err := m.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	defer it.Close()
	name := appendName(nil, h.tenant, h.topic)
	for ok := it.First(); ok; ok = it.Next() {
		if _, p := decodeID(it.Value()); p.Offset > h.newest && bytes.HasPrefix(it.Key()[len(from)+8:], name) {
			err = errors.Join(err, b.Delete(it.Key(), nil))
		}
	}
	return errors.Join(err, it.Error())
}
