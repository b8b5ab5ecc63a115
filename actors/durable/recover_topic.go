package durable

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/parley-realtime/parley/protocol"
)

// topicRecovery finds what is intact of a topic when it is opened, and cuts off what is damaged at its end.
type topicRecovery struct {
	topicEvents
	queue    *queue // of the topic's partition
	handOver func() // has another node lead it
	rule     Rule   // with which the topic is opened
}

// head returns the head of the topic, after it has cut off what is damaged at the topic's end.
func (t topicRecovery) head() (*head, error) {
	h, err := t.state.head(t.tenant, t.name)
	switch {
	case err == nil && h == nil:
		return t.state.newHead(t.tenant, t.name, &t.rule), nil
	case isDamage(err):
		h, err = t.state.rebuildHead(t.tenant, t.name, t.rule)
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
	if errors.Is(err, pebble.ErrNotFound) || isDamage(err) {
		return false, nil
	}
	return false, err
}

// repair makes h the topic's head: this cuts off the topic's end and begins a new epoch. was is the newest offset that
// the topic had, 0 if that is unknown. In a group of several voters the others have what is damaged here: the log,
// which is everybody's, does not cut it off, and another node gets to lead.
func (t topicRecovery) repair(h *head, err error, was uint64) (*head, error) {
	if err != nil {
		return nil, err
	}
	if !t.state.machine.voters.alone() {
		t.log.Error("a topic is damaged on this node; another one, which has it intact, is asked to lead its slot; "+
			addAgain, "slot", t.state.machine.partition, "tenant", t.tenant, "topic", t.name,
			"intact_up_to", h.newest, "newest_was", was)
		t.handOver()
		return nil, errDamagedHere
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

var errDamagedHere = &protocol.Refusal{
	Reason: protocol.Busy, RetryAfter: time.Second,
	Detail: "the topic's slot moves to another node, since this one has a damaged copy of the topic",
}
