package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// This file holds how a topic replays to a subscriber what it missed. The replay is one step with becoming a
// subscriber: earlier events are replayed, later ones are delivered, and no event is both or neither.
//
// A replayed event comes from the history: a throttled subscriber gets the latest event of each key, and an
// exclude_connection is forgotten, since it named a connection that is no more.

// attached is the answer to subscribe.
type attached struct {
	// at is the position of the topic's newest event at that moment: later events are delivered.
	at protocol.Position
	// replayed is how many events were sent again, missed how many could not be; nobody knows that number for a former
	// epoch, which counts as one.
	replayed, missed int
	// members are those who are present, if somebody asked for them.
	members []protocol.Member
	// last is the newest event that the filters want; nil if there is none, or nobody asked for it.
	last *protocol.Event
}

// replay is what a subscriber gets before newer events: frames, and how many events it misses.
type replay struct {
	frames []*outbox.Frame
	missed int
}

// historyReader is the part of a topic that reads its history.
type historyReader struct{ *topic }

// missedBy finds the events that a subscriber missed. It is refused as PositionLost if the history does not have them
// all, or if they are more than the subscriber's outbox takes, unless the subscriber takes a part.
func (t historyReader) missedBy(m subscribe, now time.Time) (replay, *protocol.Refusal) {
	if m.since == (protocol.Position{}) {
		return replay{}, nil
	}
	entries, missed, err := t.missedSince(m, now)
	if err != nil {
		return replay{}, err
	}
	r := replay{frames: t.framesFor(m, entries, now), missed: missed}
	left := m.link.outbox.Overflow(r.frames)
	if left > 0 && !m.partial {
		return replay{}, t.tooMuch(len(r.frames))
	}
	r.missed += left
	r.frames = r.frames[left:]
	return r, nil
}

// tooMuch is the refusal of more missed events than may wait for a connection.
func (t *topic) tooMuch(events int) *protocol.Refusal {
	return protocol.Refuse(protocol.PositionLost, "%d events of %s were missed, more than may wait for the connection "+
		"(queue_bytes, queue_frames); read them from the history", events, protocol.Quote(t.name))
}

// missedSince are the events after a subscriber's position, or those that are left if it takes a part; then missed is
// how many are not.
func (t historyReader) missedSince(
	m subscribe, now time.Time,
) (entries []history.Entry, missed int, refusal *protocol.Refusal) {
	newest, from := t.history.Position(), m.since.Offset
	entries, cut, err := t.newest(from, m.partial, now)
	switch {
	case err == nil && m.since.Epoch == newest.Epoch:
		if cut > 0 && !m.partial {
			return nil, 0, t.tooMuch(cut)
		}
		return entries, cut, nil
	case m.since.Epoch != newest.Epoch && !m.partial:
		return nil, 0, t.lost(m.since, now)
	case !m.partial:
		return nil, 0, t.unread(err, m.since, now)
	}
	from = t.history.Oldest(now)
	missed = 1 // nobody knows the number for a former epoch
	if m.since.Epoch == newest.Epoch {
		missed = max(1, int(from)-int(m.since.Offset))
	}
	if entries, cut, err = t.newest(from, true, now); err != nil {
		return nil, missed + int(newest.Offset-min(newest.Offset, from)), nil
	}
	return entries, missed + cut, nil
}

// replayPage is how many events are read at a time.
const replayPage = 256

// newest reads the events after an offset, up to the newest, but not many more than an outbox takes: it leaves out the
// oldest cut. If not partial, it ends when it has to leave events out.
func (t historyReader) newest(from uint64, partial bool, now time.Time) (entries []history.Entry, cut int, err error) {
	cfg, last := &t.node().cfg, t.history.Position().Offset
	if behind := int(last - min(last, from)); behind > cfg.QueueFrames {
		cut = behind - cfg.QueueFrames
		if !partial {
			return nil, behind, nil
		}
		from += uint64(cut)
	}
	bytes := 0
	for from < last || len(entries) == 0 {
		page, err := t.history.Read(from, replayPage, now)
		if err != nil {
			return nil, 0, err
		}
		if len(page) == 0 {
			break
		}
		entries, from = append(entries, page...), page[len(page)-1].Offset
		for _, e := range page {
			bytes += len(e.Event.Data)
		}
		for bytes > 4*cfg.QueueBytes && len(entries) > 1 {
			if !partial {
				return nil, int(last-from) + len(entries), nil
			}
			bytes -= len(entries[0].Event.Data)
			entries, cut = entries[1:], cut+1
		}
	}
	return entries, cut, nil
}

// framesFor encodes remembered events in the subscriber's dialect, in their order.
func (t historyReader) framesFor(m subscribe, entries []history.Entry, now time.Time) []*outbox.Frame {
	return m.filters.Replay((*fanoutEngine)(t.topic), m.link.dialect(), entries, t.dropPolicy, now)
}

// dropPolicy is the drop policy of the frame of an event, which may be of a topic below.
func (t historyReader) dropPolicy(ev *protocol.Event) outbox.Policy {
	if ev.Topic == t.name {
		return t.policy.Frames
	}
	return policyOf(t.policy.Set(), ev.Topic).Frames
}

// give puts a replay into the subscriber's outbox, where there is room for it.
func (r *replay) give(l *Conn) {
	for _, f := range r.frames {
		if l.send(f) {
			l.node.totals.Delivered.Add(1)
		}
	}
}

func (t historyReader) readHistory(m readHistory) (HistoryPage, *protocol.Refusal) {
	now := t.node().now()
	page := HistoryPage{Position: t.history.Position()}
	after := m.after
	if after == (protocol.Position{}) { // from the oldest event
		after = protocol.Position{Epoch: page.Position.Epoch, Offset: t.history.Oldest(now)}
	}
	if after.Epoch != page.Position.Epoch {
		return page, t.lost(m.after, now)
	}
	var entries []history.Entry
	var err error
	switch {
	case m.limit == 0:
	case m.reverse:
		entries, err = history.Before(t.history, m.after.Offset, m.limit, now)
	default:
		entries, err = t.history.Read(after.Offset, m.limit, now)
	}
	if err != nil {
		return page, t.unread(err, m.after, now)
	}
	for _, e := range entries {
		page.Events = append(page.Events, HistoryEntry{Offset: e.Offset, Event: e.Event})
	}
	return page, nil
}

func (t historyReader) describe() TopicInfo {
	info := TopicInfo{Name: t.name, Subscribers: t.subscribers.Count()}
	if t.history != nil {
		info.Position, info.History = t.history.Position(), t.history.Len(t.node().now())
	}
	return info
}
