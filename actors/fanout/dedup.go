package fanout

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// dedup is the window in which an event id is recognised. It belongs to one actor. It is bounded in ids and in age; an
// id that was pushed out is new again, and so is one whose publish failed. It holds nothing until a publisher gives an id.
type Dedup struct {
	seen *simplelru.LRU[string, dedupEntry]
}

type dedupEntry struct {
	at     time.Time
	result *Result
	// done says that it was delivered here, whatever became of it elsewhere.
	done bool
}

// known returns the verdict of the publication that had this one's id, nil if there was none or if it failed without
// being done here; then this one is remembered.
func (d *Dedup) Known(count int, age time.Duration, delivery *Delivery, now time.Time) *Result {
	if delivery.Anonymous || count <= 0 {
		return nil
	}
	id, r := delivery.Event.ID, delivery.Result
	d.Expire(age, now)
	if d.seen == nil {
		d.seen, _ = simplelru.NewLRU[string, dedupEntry](count, nil)
	}
	if s, ok := d.seen.Peek(id); ok && (s.done || !s.result.Failed()) {
		return s.result
	}
	d.seen.Add(id, dedupEntry{at: now, result: r})
	return nil
}

// bound gives a window that is in use another bound.
func (d *Dedup) Resize(count int) {
	switch {
	case d.seen == nil:
	case count <= 0:
		d.seen = nil
	default:
		d.seen.Resize(count)
	}
}

// Done says that the publication was delivered here: even if it fails elsewhere, its retry is not for here.
func (d *Dedup) Done(delivery *Delivery) {
	if delivery.Anonymous || d.seen == nil {
		return
	}
	if s, ok := d.seen.Peek(delivery.Event.ID); ok && s.result == delivery.Result {
		s.done = true
		d.seen.Add(delivery.Event.ID, s)
	}
}

// Active reports whether it remembers anything.
func (d *Dedup) Active() bool { return d.seen != nil }

// Expire drops what is too old; the window is in order of age, since sightings are never moved.
func (d *Dedup) Expire(age time.Duration, now time.Time) {
	if d.seen == nil {
		return
	}
	for {
		_, s, ok := d.seen.GetOldest()
		if !ok || now.Sub(s.at) <= age {
			break
		}
		d.seen.RemoveOldest()
	}
	if d.seen.Len() == 0 {
		d.seen = nil
	}
}
