package fanout

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// Dedup is the window in which an actor recognises an event id that is published again. It belongs to that actor. It is
// bounded in ids and in age; an id that was pushed out is new again, and so is one whose publish failed. The zero Dedup
// is ready, and holds no memory until a publisher gives an id.
type Dedup struct {
	seen *simplelru.LRU[string, dedupEntry] // by id; nil while empty
}

// dedupEntry is what a window knows of an id.
type dedupEntry struct {
	at     time.Time // when it was published
	result *Result
	done   bool // the event was delivered here, whatever became of it elsewhere
}

// Known returns the result of the earlier delivery with the same id. It returns nil if there was none in the last age,
// or if that failed without being done here; it then remembers this delivery. The window holds at most count ids, and
// none if count is 0.
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

// Repeats reports whether Known would know an event.
func (d *Dedup) Repeats(age time.Duration, delivery *Delivery, now time.Time) bool {
	if delivery.Anonymous || d.seen == nil {
		return false
	}
	s, ok := d.seen.Peek(delivery.Event.ID)
	return ok && age >= now.Sub(s.at) && (s.done || !s.result.Failed())
}

// Resize gives a window another bound of ids.
func (d *Dedup) Resize(count int) {
	switch {
	case d.seen == nil:
	case count <= 0:
		d.seen = nil
	default:
		d.seen.Resize(count)
	}
}

// Done says that the event was delivered here: even if it fails elsewhere, this actor does not deliver its retry again.
func (d *Dedup) Done(delivery *Delivery) {
	if delivery.Anonymous || d.seen == nil {
		return
	}
	if s, ok := d.seen.Peek(delivery.Event.ID); ok && s.result == delivery.Result {
		s.done = true
		d.seen.Add(delivery.Event.ID, s)
	}
}

// Active reports whether the window remembers any id.
func (d *Dedup) Active() bool { return d.seen != nil }

// Expire forgets ids older than age. The window is in the order of age: Peek moves no entry, and an actor
// calls Done right after Known.
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

// Ask says why the window does not let a delivery through; nil is that it does. It remembers nothing.
func (d *Dedup) Ask(age time.Duration, p *Delivery, now time.Time, asked *decision.Record) *protocol.Refusal {
	if p.Anonymous || asked.Text(decision.Dedup, p.Event.ID, !d.Repeats(age, p, now)) {
		return nil
	}
	return protocol.Refuse(protocol.Conflict, "an event with this id was published before")
}
