package durable

import (
	"crypto/rand"
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// topicRecovery finds what is intact of a topic when it is opened, and cuts off what is damaged at its end.
type topicRecovery struct {
	topicEvents
	queue *queue // of the topic's partition
	rule  Rule   // with which the topic is opened
}

// head returns the head of the topic, after it has cut off what is damaged at the topic's end.
func (t topicRecovery) head() (*head, error) {
	h, err := t.state.head(t.tenant, t.name)
	switch {
	case err == nil && h == nil:
		return t.state.newHead(t.tenant, t.name, &t.rule), nil
	case errors.Is(err, errDamagedHead) || pebble.IsCorruptionError(err):
		h, err = t.rebuildHead()
		return t.repair(h, err, 0)
	case err != nil:
		return nil, err
	}
	newest := h.newest
	if ok, err := t.tailIntact(h); ok || err != nil {
		return h, err
	}
	for h.newest > h.floor {
		h.newest--
		if r, err := t.state.record(t.tenant, t.name, h.newest); err == nil {
			h.sum, h.total, h.at = r.sum, r.total, r.at
			break
		}
	}
	return t.repair(h, nil, newest)
}

// tailIntact reports whether the newest event is the one that the head names.
func (t topicRecovery) tailIntact(h *head) (bool, error) {
	if h.newest == h.floor {
		return true, nil
	}
	r, err := t.state.record(t.tenant, t.name, h.newest)
	if err == nil {
		return r.sum == h.sum, nil
	}
	if errors.Is(err, errChecksum) || errors.Is(err, pebble.ErrNotFound) || pebble.IsCorruptionError(err) {
		return false, nil
	}
	return false, err
}

// rebuildHead makes a head of the events that can be read.
func (t topicRecovery) rebuildHead() (*head, error) {
	h := &head{rule: t.rule}
	m := t.state.machine
	first := eventKey(m.partition, t.tenant, t.name, 0)
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

// repair makes h the topic's head: this cuts off the topic's end and begins a new epoch. was is the newest offset that
// the topic had, 0 if that is unknown.
func (t topicRecovery) repair(h *head, err error, was uint64) (*head, error) {
	if err != nil {
		return nil, err
	}
	var salt [8]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return nil, err
	}
	h.salt = binary.BigEndian.Uint64(salt[:])
	t.log.Error("the newest events of a topic are damaged; they are dropped, older ones are kept, "+
		"and the topic begins a new epoch",
		"tenant", t.tenant, "topic", t.name, "kept_up_to", h.newest, "newest_was", was)
	o := operation{op: opRepair, tenant: t.tenant, topic: t.name, head: *h}
	if err := t.queue.await(&o); err != nil {
		return nil, err
	}
	return t.state.head(t.tenant, t.name)
}
