package actors

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// dedup is the window in which an event id is recognised. It belongs to one actor. It is bounded in ids and in age; an
// id that was pushed out is new again, and so is one whose publish failed. It holds nothing until a publisher gives an id.
type dedup struct {
	seen *simplelru.LRU[string, sighting]
}

type sighting struct {
	at      time.Time
	verdict *verdict
	// done says that it was delivered here, whatever became of it elsewhere.
	done bool
}

// known returns the verdict of the publication that had this one's id, nil if there was none or if it failed without
// being done here; then this one is remembered.
func (d *dedup) known(count int, age time.Duration, p *publication, now time.Time) *verdict {
	if p.anonymous || count <= 0 {
		return nil
	}
	id, v := p.event.ID, p.verdict
	d.expire(age, now)
	if d.seen == nil {
		d.seen, _ = simplelru.NewLRU[string, sighting](count, nil)
	}
	if s, ok := d.seen.Peek(id); ok && (s.done || !s.verdict.bad()) {
		return s.verdict
	}
	d.seen.Add(id, sighting{at: now, verdict: v})
	return nil
}

// bound gives a window that is in use another bound.
func (d *dedup) bound(count int) {
	switch {
	case d.seen == nil:
	case count <= 0:
		d.seen = nil
	default:
		d.seen.Resize(count)
	}
}

// done says that the publication was delivered here: even if it fails elsewhere, its retry is not for here.
func (d *dedup) done(p *publication) {
	if p.anonymous || d.seen == nil {
		return
	}
	if s, ok := d.seen.Peek(p.event.ID); ok && s.verdict == p.verdict {
		s.done = true
		d.seen.Add(p.event.ID, s)
	}
}

// expire drops what is too old; the window is in order of age, since sightings are never moved.
func (d *dedup) expire(age time.Duration, now time.Time) {
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
