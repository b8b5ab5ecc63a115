package durable

import (
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

// appendEvent writes an event behind the newest one.
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
		return nil // none of the events that it is about are left
	}
	from := eventKey(m.partition, h.tenant, h.topic, h.floor+1)
	h.floor = o.offset
	m.markDirty(h)
	return b.DeleteRange(from, eventKey(m.partition, h.tenant, h.topic, h.floor+1), nil)
}

// forget removes a topic, unless somebody has published to it meanwhile.
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

// reseed gives new epochs to all topics of the partition, or to all relaxed ones.
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

// renew gives a topic a new epoch, by a salt that it never had.
func (m *stateMachine) renew(h *head) {
	h.salt = m.state.generation
	m.setEpoch(h)
	m.markDirty(h)
}

// repair makes a topic what the operation says is left of it. Its new salt makes a new epoch.
func (m *stateMachine) repair(b *pebble.Batch, o *operation) error {
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
