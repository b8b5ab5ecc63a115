package durable

import (
	"errors"
	"sort"
	"time"

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
	first, err := t.get(t.epoch, offset+1)
	switch {
	case errors.Is(err, errRemoved):
		return nil, history.ErrLost
	case err != nil:
		return nil, err
	case !t.retains(&first, t.clock.at(now)):
		return nil, history.ErrLost
	}
	return t.page(offset, min(uint64(max(0, limit)), t.newest-offset))
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
		if r, err := t.get(t.epoch, t.newest); err == nil {
			t.tail = record{total: r.total, at: r.at, sum: r.sum}
		}
	}
	return t.tail.total
}

// Oldest implements history.History. It finds the oldest retained event by bisection, since all bounds cut from the old
// end.
func (t *Topic) Oldest(now time.Time) uint64 {
	at := t.clock.at(now)
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
		r, err := t.get(t.epoch, offset)
		if err == nil {
			return left(&r)
		}
		if errors.Is(err, errRemoved) {
			return false
		}
	}
	return true
}
