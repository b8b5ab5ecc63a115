package durable

import (
	"encoding/binary"
	"errors"
	"sort"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/parley-realtime/parley/actors/history"
)

// Read implements history.History. It reads the disk.
func (t *Topic) Read(offset uint64, limit int, now time.Time) ([]history.Entry, error) {
	switch {
	case offset > t.newest:
		return nil, history.ErrLost
	case offset == t.newest:
		return nil, nil
	case t.newest-offset > uint64(max(0, t.rule.Bounds.Count)):
		return nil, history.ErrLost
	}
	first, err := t.get(offset + 1)
	switch {
	case errors.Is(err, errRemoved):
		return nil, history.ErrLost
	case err != nil:
		return nil, err
	case !t.retains(&first, t.store.clock.at(now)):
		return nil, history.ErrLost
	}
	return t.readPage(offset, min(uint64(max(0, limit)), t.newest-offset))
}

// retains reports whether the bounds of bytes and age retain an event, at a time of the store's clock.
func (t *Topic) retains(r *record, now int64) bool { return t.isYoung(r, now) && t.fits(r) }

func (t *Topic) isYoung(r *record, now int64) bool {
	age := t.rule.Bounds.Age
	return age <= 0 || now-r.at <= int64(age)
}

func (t *Topic) fits(r *record) bool {
	total := t.total()
	return total == 0 || total-r.total+countedBytes(r.body) <= uint64(max(0, t.rule.Bounds.Bytes))
}

// total is the newest event's, 0 if that event is damaged; this is reported when the event itself is read.
func (t *Topic) total() uint64 {
	if t.tailAt != t.newest {
		t.tail, t.tailAt = record{}, t.newest
		if r, err := t.get(t.newest); err == nil {
			t.tail = record{total: r.total, at: r.at, sum: r.sum}
		}
	}
	return t.tail.total
}

// Oldest implements history.History. It finds the oldest retained event by bisection, since all bounds cut from the old
// end.
func (t *Topic) Oldest(now time.Time) uint64 {
	at := t.store.clock.at(now)
	return t.oldest(func(r *record) bool { return t.retains(r, at) })
}

// oldest is the offset behind which both the bound of count and left leave the events.
func (t *Topic) oldest(left func(*record) bool) uint64 {
	from := max(t.floor, t.newest-min(t.newest, uint64(max(0, t.rule.Bounds.Count))))
	if from == t.newest || t.isLeft(from+1, left) {
		return from
	}
	return from + uint64(sort.Search(int(t.newest-from), func(i int) bool { return t.isLeft(from+uint64(i)+1, left) }))
}

// isLeft reports whether left leaves the event at an offset. A damaged event counts as the next intact one.
func (t *Topic) isLeft(offset uint64, left func(*record) bool) bool {
	for ; offset <= t.newest; offset++ {
		r, err := t.get(offset)
		if err == nil {
			return left(&r)
		}
		if errors.Is(err, errRemoved) {
			return false
		}
	}
	return true
}

var errRemoved = errors.New("the event was removed")

// get reads one event. The error is errRemoved if it was removed as too old, or a history.Damaged.
func (t *Topic) get(offset uint64) (record, error) {
	r, err := t.partition.readRecord(t.tenant, t.name, offset)
	if errors.Is(err, pebble.ErrNotFound) {
		h, headErr := t.partition.readHead(t.tenant, t.name)
		if headErr == nil && (h == nil || h.floor >= offset || h.epoch != t.epoch) {
			return r, errRemoved
		}
	}
	if err != nil {
		return r, t.damagedError(offset, err)
	}
	return r, nil
}

func (t *Topic) damagedError(offset uint64, cause error) error {
	if errors.Is(cause, pebble.ErrNotFound) {
		cause = errMissing
	}
	return &history.Damaged{Tenant: t.tenant, Topic: t.name, Offset: offset, Cause: cause.Error()}
}

var (
	errMissing      = errors.New("it is missing")
	errChecksum     = errors.New("its sum is wrong")
	errPrevChecksum = errors.New("it does not follow the one before it")
)

// readPage reads some events, and ends in front of a damaged one.
func (t *Topic) readPage(offset, count uint64) (entries []history.Entry, err error) {
	it, err := t.store.db.NewIter(&pebble.IterOptions{
		LowerBound: eventKey(t.partition.number, t.tenant, t.name, offset+1),
		UpperBound: eventKey(t.partition.number, t.tenant, t.name, offset+count+1),
	})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var before record
	for ok := it.First(); uint64(len(entries)) < count; ok = it.Next() {
		next := offset + uint64(len(entries)) + 1
		entry, r, err := t.readEntry(it, ok, next)
		if err == nil && len(entries) > 0 && r.prev != before.sum {
			err = errPrevChecksum
		}
		if err != nil {
			err = t.damagedError(next, err)
			t.store.cfg.Logger.Error("an event cannot be served", "cause", err)
			if len(entries) > 0 {
				return entries, nil
			}
			return nil, err
		}
		entries, before = append(entries, entry), r
	}
	return entries, nil
}

// readEntry reads the event at which the iterator stands, which should be the one at offset.
func (t *Topic) readEntry(it *pebble.Iterator, ok bool, offset uint64) (e history.Entry, r record, err error) {
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
