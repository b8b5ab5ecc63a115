package fanout

import (
	"cmp"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// latest holds back the events of a window of which subscribers are to hear only the newest of each key. A nil latest
// holds nothing.
//
// An older event joins the newer one of its key (protocol.Event.Conflate) only if nobody loses by that what it wants or
// gets what it does not: both exclude the same connection, whoever wants the older one wants the newer one, and nobody
// hears parts of the older one who came after it or whose filter leaves it out. Otherwise both are held. In all it
// holds no more events than a window batches.
type latest struct {
	held  []*heldEvent
	byKey map[throttleKey]*heldEvent // the newest of a key in held
	bytes int
}

// heldEvent is an event that is held back.
type heldEvent struct {
	delivery *Delivery
	offset   uint64 // of the newest event in it
	wanted   int    // how many subscribers will hear it
	bytes    int    // of the data of the events whose parts are in it
	sealed   bool   // a subscriber came after it
}

// maxHeldBytes bounds what a topic holds back, in bytes of the events' data.
const maxHeldBytes = 256 << 10

// Hold holds an event back until FlushLatest, for the subscribers that there are. It returns how many will hear it, how
// many will not hear an older one for it, and whether the topic holds as much as it may. It encodes the event, since
// only so it knows whether there are words for it.
func (s *Subscribers) Hold(e Engine, d *Delivery, offset uint64) (wanted, replaced int, full bool) {
	if wanted = s.wanting(e, d, offset); wanted == 0 {
		return 0, 0, false
	}
	if s.latest == nil {
		s.latest = &latest{byKey: map[throttleKey]*heldEvent{}}
	}
	replaced = s.hold(&heldEvent{delivery: d, offset: offset, wanted: wanted, bytes: len(d.Event.Data)})
	return wanted, replaced, len(s.latest.held) >= d.Batch.Count || s.latest.bytes >= maxHeldBytes
}

// wanting returns how many subscribers want an event for which their dialect has words.
func (s *Subscribers) wanting(e Engine, d *Delivery, offset uint64) (count int) {
	for _, g := range s.groups {
		selected, ok := g.filters.Select(d.Event)
		if !ok || d.Frame(e, g.dialect, selected.of(d.Event, e, offset)) == nil {
			continue
		}
		count += len(g.subscribers)
		for i := range g.subscribers {
			if d.Exclude == 0 {
				break
			}
			if g.subscribers[i].outbox.Number() == d.Exclude {
				count--
				break
			}
		}
	}
	return count
}

// hold holds an event, and returns how many subscribers will not hear an older one for it.
func (s *Subscribers) hold(newest *heldEvent) (replaced int) {
	l, key := s.latest, throttleKey{newest.delivery.Event.Topic, newest.delivery.Event.Key}
	if h := l.byKey[key]; h != nil && s.join(h, newest) {
		l.bytes += newest.bytes - h.bytes
		replaced, *h = h.wanted, *newest
		return replaced
	}
	l.bytes += newest.bytes
	l.byKey[key] = newest
	l.held = append(l.held, newest)
	return 0
}

// join joins an event that is held into a newer one of its key. It reports false if both have to be heard.
func (s *Subscribers) join(old, newer *heldEvent) bool {
	d := newer.delivery
	if old.delivery.Exclude != d.Exclude {
		return false
	}
	joined := old.delivery.Event.Conflate(d.Event)
	parts := joined != d.Event // otherwise the newer one stands for all that the older one says
	if parts && old.sealed || !s.mayJoin(old.delivery.Event, joined, parts) {
		return false
	}
	if !parts {
		return true
	}
	if len(joined.Parts()) > len(d.Event.Parts()) { // the older one's data stays
		newer.bytes += old.bytes
	}
	newer.wanted = max(newer.wanted, old.wanted)
	newer.delivery = &Delivery{
		Event: joined, Policy: d.Policy, Batch: d.Batch, Exclude: d.Exclude, Born: d.Born, Anonymous: d.Anonymous,
	}
	return true
}

// mayJoin reports whether the filters of all groups let joined stand for an older event: no group loses an event that
// it wants, and where joined has parts of the older one, none gets parts of an event that it does not want.
func (s *Subscribers) mayJoin(older, joined *protocol.Event, parts bool) bool {
	if parts { // with the same parts, only what else the events say tells them apart
		older = older.WithParts(joined)
	}
	for _, g := range s.groups {
		_, wantsOlder := g.filters.Select(older)
		_, wantsJoined := g.filters.Select(joined)
		if wantsOlder != wantsJoined && (wantsOlder || parts) {
			return false
		}
	}
	return true
}

// sort puts what is held into the order of the newest offsets.
func (l *latest) sort() {
	slices.SortFunc(l.held, func(a, b *heldEvent) int { return cmp.Compare(a.offset, b.offset) })
}

// seal says that a subscriber comes.
func (l *latest) seal() {
	if l == nil {
		return
	}
	for _, h := range l.held {
		h.sealed = true
	}
}

// HoldsLatest reports whether events are held back until FlushLatest.
func (s *Subscribers) HoldsLatest() bool { return s.latest != nil && len(s.latest.held) > 0 }

// FlushLatest delivers what Hold holds back, in the order of the offsets, and returns as Deliver does. It forgets each
// event before it delivers it, so that nobody gets one twice if it fails.
func (s *Subscribers) FlushLatest(e Engine, now time.Time) (delivered int, flush time.Time) {
	if s.latest == nil {
		return 0, flush
	}
	s.latest.sort()
	clear(s.latest.byKey)
	for len(s.latest.held) > 0 {
		h := s.latest.held[0]
		s.latest.held = s.latest.held[1:]
		count, next := s.deliver(e, h.delivery, h.offset, h.offset, now)
		delivered, flush = delivered+count, earlier(flush, next)
	}
	s.latest = nil
	return delivered, flush
}

// FlushLatestTo gives a subscriber that leaves what Hold holds back for it, and returns how many events it took.
func (s *Subscribers) FlushLatestTo(e Engine, o *outbox.Outbox) (delivered int) {
	at, ok := s.find(o)
	if !ok || s.latest == nil {
		return 0
	}
	s.latest.sort()
	alone := encodingGroup{subscribers: at.group.subscribers[at.at : at.at+1]}
	for _, h := range s.latest.held {
		if selected, wanted := at.group.filters.Select(h.delivery.Event); wanted {
			f := h.delivery.Frame(e, at.group.dialect, selected.of(h.delivery.Event, e, h.offset))
			taken := alone.offer(e, f, h.delivery.Exclude, h.offset, outbox.AtOnce)
			h.wanted -= taken
			delivered += taken
		}
	}
	return delivered
}

// FlushAll wakes the transports for which events wait that were batched.
func (s *Subscribers) FlushAll() {
	for _, g := range s.groups {
		for i := range g.subscribers {
			g.subscribers[i].outbox.Flush()
		}
	}
}
