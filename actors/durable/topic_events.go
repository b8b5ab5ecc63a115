package durable

import (
	"encoding/binary"
	"errors"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"

	"github.com/parley-realtime/parley/actors/history"
)

// topicEvents reads the events of one topic from the disk.
type topicEvents struct {
	state        stateReader
	tenant, name string
	log          *slog.Logger
}

var errRemoved = errors.New("the event was removed")

// get reads one event of an epoch. The error is errRemoved if it was removed as too old, or a history.Damaged.
func (t *topicEvents) get(epoch string, offset uint64) (record, error) {
	r, err := t.state.record(t.tenant, t.name, offset)
	if errors.Is(err, pebble.ErrNotFound) {
		h, headErr := t.state.head(t.tenant, t.name)
		if headErr == nil && (h == nil || h.floor >= offset || h.epoch != epoch) {
			return r, errRemoved
		}
	}
	if err != nil {
		return r, t.damagedError(offset, err)
	}
	return r, nil
}

func (t *topicEvents) damagedError(offset uint64, cause error) error {
	if errors.Is(cause, pebble.ErrNotFound) {
		cause = errMissing
	}
	return &history.Damaged{Tenant: t.tenant, Topic: t.name, Offset: offset, Cause: cause.Error()}
}

var (
	errMissing      = errors.New("it is missing")
	errPrevChecksum = errors.New("it does not follow the one before it")
)

// page reads some events, and ends in front of a damaged one.
func (t *topicEvents) page(offset, count uint64) (entries []history.Entry, err error) {
	m := t.state.machine
	it, err := m.db.NewIter(&pebble.IterOptions{
		LowerBound: eventKey(m.partition, t.tenant, t.name, offset+1),
		UpperBound: eventKey(m.partition, t.tenant, t.name, offset+count+1),
	})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var before record
	for ok := it.First(); uint64(len(entries)) < count; ok = it.Next() {
		next := offset + uint64(len(entries)) + 1
		entry, r, err := t.entry(it, ok, next)
		if err == nil && len(entries) > 0 && r.prev != before.sum {
			err = errPrevChecksum
		}
		if err != nil {
			err = t.damagedError(next, err)
			t.log.Error("an event cannot be served", "cause", err)
			if len(entries) > 0 {
				return entries, nil
			}
			return nil, err
		}
		entries, before = append(entries, entry), r
	}
	return entries, nil
}

// entry reads the event at which the iterator stands, which should be the one at offset.
func (t *topicEvents) entry(it *pebble.Iterator, ok bool, offset uint64) (e history.Entry, r record, err error) {
	if !ok {
		if err = it.Error(); err == nil {
			err = errMissing
		}
		return e, r, err
	}
	key := it.Key()
	value, err := it.ValueAndErr()
	if err != nil {
		return e, r, err
	}
	if binary.BigEndian.Uint64(key[len(key)-8:]) != offset {
		return e, r, errMissing
	}
	if r, ok = decodeRecord(key, value); !ok {
		return e, r, errChecksum
	}
	ev, err := decodeEvent(t.name, r.body)
	return history.Entry{Offset: offset, Event: ev}, r, err
}
