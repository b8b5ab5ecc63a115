package durable

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// idTime is the time of an entry for the recognition of ids. An entry bears the time of its leader's clock, and the
// next leader's may be behind. So it is never before the newest span of time in which an id was seen.
func (m *stateMachine) idTime(now int64) int64 {
	return max(now, int64(m.state.newestBucket)*int64(bucketSpan))
}

// lookUpID finds the position of the event that had this id in the topic's window. If nobody else has what is damaged
// here, an id that cannot be read counts as one that was not seen: that may repeat an event, where an error would lose
// one that was answered, when the log is applied again at a start.
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
			at, position, ok := decodeID(m.olderIDs.Value())
			if ok {
				return position, at >= since, nil
			}
			err = errDamagedID
		} else {
			err = m.olderIDs.Error()
		}
		if isDamage(err) && m.voters.alone() {
			m.log.Error("an id of a durable topic is damaged; its event can be published again", "slot", m.partition,
				"tenant", h.tenant, "topic", h.topic, "id", id, "cause", err)
			err = nil
		}
		if err != nil || span <= bucket(since) {
			return first, false, err
		}
	}
}

// openIDs opens the iterator that looks up ids, once per entry. It uses the bloom filters of all levels, which a Get
// does not.
func (m *stateMachine) openIDs() (err error) {
	if m.olderIDs == nil {
		from, to := keyRange(prefixID, m.partition)
		m.olderIDs, err = m.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to, UseL6Filters: true})
	}
	return err
}

// writeID stores an id with the position of its event.
func (m *stateMachine) writeID(b *pebble.Batch, h *head, now int64, id string) error {
	position := protocol.Position{Epoch: h.epoch, Offset: h.newest}
	key := idKey(m.partition, bucket(now), h.tenant, h.topic, id)
	m.entryIDs[string(key)] = history.Outcome{Position: position}
	value := binary.BigEndian.AppendUint64(nil, uint64(now))
	value = appendText(binary.AppendUvarint(value, position.Offset), position.Epoch)
	return errors.Join(b.Set(key, value, nil), m.expireIDs(b, bucket(now)))
}

// decodeID decodes what writeID has encoded. ok is false if the value is damaged.
func decodeID(value []byte) (at int64, p protocol.Position, ok bool) {
	c := cursor{rest: value}
	at = int64(c.uint64())
	p.Offset, p.Epoch = c.uvarint(), c.text()
	return at, p, !c.failed
}

var errDamagedID = errors.New("what is known of the id is damaged")

// expireIDs removes the spans of time that no window reaches into.
func (m *stateMachine) expireIDs(b *pebble.Batch, span uint64) error {
	if span <= m.state.newestBucket {
		return nil
	}
	m.state.newestBucket = span
	keep := span - min(span, uint64(MaxDedup/bucketSpan)+1)
	return b.DeleteRange(numberedKey(prefixID, m.partition, 0), numberedKey(prefixID, m.partition, keep), nil)
}

// removeIDs removes the ids of events that the topic has lost, so that they can be published again.
func (m *stateMachine) removeIDs(b *pebble.Batch, h *head) error {
	from, to := keyRange(prefixID, m.partition)
	it, err := m.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	defer it.Close()
	name := appendName(nil, h.tenant, h.topic)
	for ok := it.First(); ok; ok = it.Next() {
		_, p, ok := decodeID(it.Value())
		if (!ok || p.Offset > h.newest) && bytes.HasPrefix(it.Key()[len(from)+8:], name) {
			err = errors.Join(err, b.Delete(it.Key(), nil))
		}
	}
	return errors.Join(err, it.Error())
}

// bucketSpan is the span of time by which ids are stored, so that a whole span is removed at once.
const bucketSpan = 5 * time.Minute

func bucket(at int64) uint64 { return uint64(max(0, at) / int64(bucketSpan)) }
