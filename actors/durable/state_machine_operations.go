package durable

import (
	"errors"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// add gives an event its offset, unless its id was seen.
func (m *stateMachine) add(b *pebble.Batch, h *head, o *operation) (out history.Outcome, err error) {
	if o.rule != nil && *o.rule != h.rule {
		h.rule = *o.rule
		m.setEpoch(h)
		m.markDirty(h)
	}
	id, now := "", m.idTime(o.now)
	if o.dedup && h.rule.Dedup > 0 {
		id = eventID(o.body)
		if first, known, err := m.lookUpID(h, now, id); err != nil || known {
			return history.Outcome{Position: first, Duplicate: known}, err
		}
	}
	if err := m.appendEvent(b, h, o); err != nil {
		return out, err
	}
	out.Position = protocol.Position{Epoch: h.epoch, Offset: h.newest}
	if id != "" {
		err = m.writeID(b, h, now, id)
	}
	return out, err
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
	m.forgotten[string(key)] = true
	from := eventKey(m.partition, h.tenant, h.topic, 0)
	return errors.Join(b.Delete(key, nil), b.DeleteRange(from, keyAfter(from[:len(from)-8]), nil))
}

// reseed gives new epochs to all topics of the partition, or to all relaxed ones.
func (m *stateMachine) reseed(o *operation) {
	m.state.seeds.relaxed = o.seed
	if !o.relaxedOnly {
		m.state.seeds.strict = o.seed
	}
	for _, h := range m.heads.Values() {
		m.setEpoch(h)
	}
	now := m.state.seeds
	m.seeds.Store(&now)
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
	m.markDirty(&h)
	first := eventKey(m.partition, h.tenant, h.topic, 0)
	return errors.Join(
		b.DeleteRange(first, eventKey(m.partition, h.tenant, h.topic, h.floor+1), nil),
		b.DeleteRange(eventKey(m.partition, h.tenant, h.topic, h.newest+1), keyAfter(first[:len(first)-8]), nil),
		m.removeIDs(b, &h))
}

// restoreHead makes the damaged head of a topic from the topic's events, with a new epoch, and cuts off what does not
// belong to it. The rule is that of the operation. If it has none, everything is kept until the topic is opened again
// and its rule is told.
func restoreHead(m *stateMachine, b *pebble.Batch, o *operation) (*head, error) {
	rule := Rule{Bounds: history.Bounds{Count: math.MaxInt, Bytes: math.MaxInt}, Dedup: MaxDedup}
	if o.rule != nil {
		rule = *o.rule
	}
	h, err := stateReader{m}.rebuildHead(o.tenant, o.topic, rule)
	if err != nil {
		return nil, err
	}
	m.log.Error("what is known of a durable topic is damaged and made again from its events; "+
		"the topic begins a new epoch", "tenant", o.tenant, "topic", o.topic, "kept_up_to", h.newest)
	m.state.generation++
	m.generation.Store(m.state.generation)
	h.salt = m.state.generation
	if err := m.repair(b, &operation{op: opRepair, tenant: o.tenant, topic: o.topic, head: *h}); err != nil {
		return nil, err
	}
	return m.head(o.tenant, o.topic)
}
