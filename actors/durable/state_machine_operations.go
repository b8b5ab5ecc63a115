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
func (m *machine) add(b *pebble.Batch, h *head, o *operation) history.Outcome {
	if o.rule != nil && *o.rule != h.rule {
		h.rule = *o.rule
		m.name(h)
		m.touch(h)
	}
	id, now := "", m.reached(o.now)
	if o.recognise && h.rule.Dedup > 0 {
		id = eventID(o.body)
		if first, known, err := m.seen(h, now, id); err != nil || known {
			return history.Outcome{Position: first, Duplicate: known, Err: err}
		}
	}
	out := history.Outcome{Err: m.write(b, h, o)}
	out.Position = protocol.Position{Epoch: h.epoch, Offset: h.newest}
	if id != "" && out.Err == nil {
		out.Err = m.remember(b, h, now, id)
	}
	return out
}

// write puts an event behind the newest one.
func (m *machine) write(b *pebble.Batch, h *head, o *operation) error {
	h.newest++
	h.at = max(h.at, o.now)
	h.total += weight(o.body)
	r := record{prev: h.sum, at: h.at, total: h.total, body: o.body}
	key := eventKey(m.slot, h.tenant, h.topic, h.newest)
	m.scratch = r.seal(m.scratch[:0], key)
	h.sum = r.sum
	m.touch(h)
	return b.Set(key, m.scratch, nil)
}

// trim removes the oldest events of a topic, up to an offset.
func (m *machine) trim(b *pebble.Batch, h *head, o *operation) error {
	if o.epoch != h.epoch || o.offset <= h.floor || o.offset > h.newest {
		return nil // of what it was about, nothing is left
	}
	from := eventKey(m.slot, h.tenant, h.topic, h.floor+1)
	h.floor = o.offset
	m.touch(h)
	return b.DeleteRange(from, eventKey(m.slot, h.tenant, h.topic, h.floor+1), nil)
}

// forget removes a topic, if nothing was published to it meanwhile.
func (m *machine) forget(b *pebble.Batch, h *head, o *operation) error {
	if h.newest != o.offset || h.dirty {
		return nil
	}
	m.state.forgot++
	m.forgot.Store(m.state.forgot)
	key := headKey(m.slot, h.tenant, h.topic)
	m.heads.Remove(string(key))
	from := eventKey(m.slot, h.tenant, h.topic, 0)
	return errors.Join(b.Delete(key, nil), b.DeleteRange(from, after(from[:len(from)-8]), nil))
}

// reseed gives all topics of the slot, or all relaxed ones, new epochs.
func (m *machine) reseed(o *operation) history.Outcome {
	m.state.seeds.relaxed = o.seed
	if !o.part {
		m.state.seeds.strict = o.seed
	}
	for _, h := range m.heads.Values() {
		m.name(h)
	}
	now := m.state.seeds
	m.seeds.Store(&now)
	return history.Outcome{}
}

// renew gives a topic a new epoch: the salt is one that it never had.
func (m *machine) renew(h *head) {
	h.salt = m.state.forgot
	m.name(h)
	m.touch(h)
}

// mend makes a topic what the operation says is left of it. Its new salt makes a new epoch.
func (m *machine) mend(b *pebble.Batch, o *operation) error {
	h := o.head
	h.tenant, h.topic = o.tenant, o.topic
	m.name(&h)
	m.heads.Add(string(headKey(m.slot, h.tenant, h.topic)), &h)
	m.touch(&h)
	first := eventKey(m.slot, h.tenant, h.topic, 0)
	return errors.Join(
		b.DeleteRange(first, eventKey(m.slot, h.tenant, h.topic, h.floor+1), nil),
		b.DeleteRange(eventKey(m.slot, h.tenant, h.topic, h.newest+1), after(first[:len(first)-8]), nil),
		m.unsee(b, &h))
}

// reached is when an entry is, for ids: an entry says what its leader's clock says, and that of another leader may be
// behind. It is never before the newest span of time in which an id was seen.
func (m *machine) reached(now int64) int64 { return max(now, int64(m.state.bucket)*int64(bucketSpan)) }

// seen finds the position of the event that had this id in the topic's window.
func (m *machine) seen(h *head, now int64, id string) (first protocol.Position, known bool, err error) {
	since := now - int64(h.rule.Dedup)
	if err := m.lookUp(); err != nil {
		return first, false, err
	}
	for span := bucket(now); ; span-- {
		key := seenKey(m.slot, span, h.tenant, h.topic, id)
		if out, ok := m.fresh[string(key)]; ok {
			return out.Position, true, nil
		}
		if m.ids.SeekPrefixGE(key) {
			at, position := sightingOf(m.ids.Value())
			return position, at >= since, nil
		}
		if err := m.ids.Error(); err != nil || span <= bucket(since) {
			return first, false, err
		}
	}
}

// lookUp opens what ids are looked up in, once per entry. It asks the filters of all levels, which a Get does not.
func (m *machine) lookUp() (err error) {
	if m.ids == nil {
		from, to := span(letterSeen, m.slot)
		m.ids, err = m.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to, UseL6Filters: true})
	}
	return err
}

// remember notes an id with the position of its event.
func (m *machine) remember(b *pebble.Batch, h *head, now int64, id string) error {
	position := protocol.Position{Epoch: h.epoch, Offset: h.newest}
	key := seenKey(m.slot, bucket(now), h.tenant, h.topic, id)
	m.fresh[string(key)] = history.Outcome{Position: position}
	value := binary.BigEndian.AppendUint64(nil, uint64(now))
	value = appendText(binary.AppendUvarint(value, position.Offset), position.Epoch)
	return errors.Join(b.Set(key, value, nil), m.rotate(b, bucket(now)))
}

func sightingOf(value []byte) (at int64, p protocol.Position) {
	c := cursor{rest: value}
	at = int64(c.fixed())
	p.Offset, p.Epoch = c.number(), c.text()
	return at, p
}

// rotate removes the spans of time that no window reaches into.
func (m *machine) rotate(b *pebble.Batch, span uint64) error {
	if span <= m.state.bucket {
		return nil
	}
	m.state.bucket = span
	keep := span - min(span, uint64(MaxDedup/bucketSpan)+1)
	return b.DeleteRange(numbered(letterSeen, m.slot, 0), numbered(letterSeen, m.slot, keep), nil)
}

// unsee removes the ids of events that a topic has no more, so that they can be published again.
func (m *machine) unsee(b *pebble.Batch, h *head) error {
	from, to := span(letterSeen, m.slot)
	it, err := m.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	defer it.Close()
	name := appendName(nil, h.tenant, h.topic)
	for ok := it.First(); ok; ok = it.Next() {
		if _, p := sightingOf(it.Value()); p.Offset > h.newest && bytes.HasPrefix(it.Key()[len(from)+8:], name) {
			err = errors.Join(err, b.Delete(it.Key(), nil))
		}
	}
	return errors.Join(err, it.Error())
}
