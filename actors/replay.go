package actors

import (
	"maps"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// This is the part of a topic that gives a subscriber what it missed. It is one step with becoming a subscriber: what
// came before is replayed, what comes after is heard, and no event is both or neither.
//
// A replayed event is told from the history: a subscriber that wants one event every so often gets the latest of each
// key, and an exclude_connection is forgotten, since it named a connection that is no more.

// attached is the answer to subscribe.
type attached struct {
	// at is the topic's newest event at that moment: what comes later is heard.
	at protocol.Position
	// replayed are the events that were said again, missed those that could not be; of a former epoch nobody knows how
	// many those are, and it counts as one.
	replayed, missed int
}

// replay is what a subscriber gets before it hears anything.
type replay struct {
	frames []*Frame
	missed int
}

// missedBy finds what a subscriber missed. It is refused as PositionLost if that is not all there, or more than its
// outbox takes, unless it takes a part.
func (t *topic) missedBy(m subscribe, now time.Time) (replay, *protocol.Refusal) {
	if m.since == (protocol.Position{}) {
		return replay{}, nil
	}
	entries, why := t.behind(m.since, now)
	r := replay{}
	switch {
	case why == nil:
	case !m.partial:
		return r, why
	case m.since.Epoch != t.epoch:
		r.missed++
		entries, _ = t.history.After(t.history.Oldest(now), int(t.history.Newest()), now)
	default:
		oldest := t.history.Oldest(now)
		r.missed += max(1, int(oldest)-int(m.since.Offset))
		entries, _ = t.history.After(oldest, int(t.history.Newest()), now)
	}
	r.frames = t.say(m, entries, now)
	left := m.link.outbox.room(r.frames)
	if left > 0 && !m.partial {
		return replay{}, protocol.Refuse(protocol.PositionLost, "%d events of %s were missed, more than may wait for the connection (queue_bytes, queue_frames); read them from the history",
			len(r.frames), protocol.Quote(t.name))
	}
	r.missed += left
	r.frames = r.frames[left:]
	return r, nil
}

// behind are the events behind a position.
func (t *topic) behind(since protocol.Position, now time.Time) ([]history.Entry, *protocol.Refusal) {
	entries, ok := t.history.After(since.Offset, int(t.history.Newest()), now)
	if ok && since.Epoch == t.epoch {
		return entries, nil
	}
	return nil, t.lost(since, now)
}

// lost is the refusal of a position.
func (t *topic) lost(at protocol.Position, now time.Time) *protocol.Refusal {
	return protocol.Refuse(protocol.PositionLost, "the history of %s is in epoch %s and reaches from offset %d to %d; %d of epoch %s is not in it",
		protocol.Quote(t.name), t.epoch, t.history.Oldest(now)+1, t.history.Newest(), at.Offset, protocol.Quote(at.Epoch))
}

// say puts remembered events into the subscriber's words, in their order.
func (t *topic) say(m subscribe, entries []history.Entry, now time.Time) (frames []*Frame) {
	var all []held
	latest := map[paceKey]held{} // of what is wanted only every so often
	for _, e := range entries {
		_, every, ok := m.interest.choose(e.Event)
		switch key := (paceKey{e.Event.Topic, e.Event.Key}); {
		case !ok:
		case every == 0:
			all = append(all, held{event: e.Event, offset: e.Offset})
		case latest[key].event != nil:
			latest[key] = held{event: latest[key].event.Conflate(e.Event), offset: e.Offset}
		default:
			latest[key] = held{event: e.Event, offset: e.Offset}
		}
	}
	all = slices.AppendSeq(all, maps.Values(latest))
	slices.SortFunc(all, byOffset)
	for _, h := range all {
		view, _, _ := m.interest.choose(h.event)
		if f := t.node().encode(m.link.dialect(), view, h.event, now.UnixNano()); f != nil {
			f.bind(t.fateOf(h.event), h.event.Topic, h.event.Key) // else a newer one could get ahead of it
			frames = append(frames, f)
		}
	}
	return frames
}

// fateOf is what may become of the frame of an event, which may be of a topic below.
func (t *topic) fateOf(ev *protocol.Event) fate {
	if ev.Topic == t.name {
		return t.terms.fate
	}
	return t.terms.set.of(ev.Topic).fate
}

// give puts a replay into the subscriber's outbox, where there is room for it.
func (r *replay) give(l *Link) {
	for _, f := range r.frames {
		if l.send(f) {
			l.node.counters.delivered.Add(1)
		}
	}
}
