package fanout

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Filters are what one connection wants of one attached topic. They are never changed; the zero Filters want
// everything. Subscribers whose filters have equal keys share their frames.
type Filters struct {
	key           string
	subscriptions []Subscription
	projection    protocol.Projection // without subscriptions: that of every event
	except        []string            // attached topics below, which are responsible for their own events
}

// everything wants all events whole. Nearly all connections do, so they share it.
var everything = &Filters{}

// FiltersForProjection wants all events, in a projection.
func FiltersForProjection(p protocol.Projection) *Filters {
	if p == protocol.All {
		return everything
	}
	return &Filters{key: string(p), projection: p}
}

// Selection says in which form the filters want an event, and how often at most.
type Selection struct {
	View         protocol.Projection
	Label        string
	withPosition bool
	every        time.Duration // 0 for always
}

// Select reports whether the filters want an event, and in which form.
func (f *Filters) Select(ev *protocol.Event) (s Selection, ok bool) {
	if f.subscriptions == nil {
		return Selection{View: f.projection}, !isMember(ev)
	}
	if f.excepts(ev.Topic) {
		return s, false
	}
	deepest := -1 // the length of the deepest topic with a label so far
	for i := range f.subscriptions {
		sub := &f.subscriptions[i]
		if !protocol.Under(ev.Topic, sub.Topic) {
			continue
		}
		part, hit := sub.apply(ev)
		switch {
		case !hit:
			continue
		case !ok:
			s.View, s.every, ok = part.View, part.every, true
		default:
			s.View, s.every = s.View.Union(part.View), min(s.every, part.every)
		}
		s.withPosition = s.withPosition || part.withPosition
		if part.Label != "" && len(sub.Topic) > deepest {
			s.Label, deepest = part.Label, len(sub.Topic)
		}
	}
	return s, ok
}

// Want reports whether the filters want an event.
func (f *Filters) Want(ev *protocol.Event) bool {
	_, ok := f.Select(ev)
	return ok
}

// excepts reports whether another attached topic is responsible for the events of a topic.
func (f *Filters) excepts(topic string) bool {
	for _, other := range f.except {
		if protocol.Under(topic, other) {
			return true
		}
	}
	return false
}

// of is the selection of an event that has this offset in the topic of e.
func (s *Selection) of(ev *protocol.Event, e Engine, offset uint64) protocol.Delivery {
	to := protocol.Delivery{Event: ev, View: s.View, Label: s.Label}
	if s.withPosition {
		to.Topic, to.Position = e.Place(offset)
	}
	return to
}

// exactly reports whether only an exact subscription to a topic is in the filters.
func (f *Filters) exactly(topic string) bool {
	return f != nil && len(f.subscriptions) == 1 && f.subscriptions[0].exact() && f.subscriptions[0].Topic == topic
}

// makeKey makes the key of filters at an attached topic.
func (f *Filters) makeKey(at string) string {
	if len(f.subscriptions) == 1 && f.except == nil && f.subscriptions[0].Topic == at {
		return f.subscriptions[0].key()
	}
	var b strings.Builder
	for _, s := range f.subscriptions {
		b.WriteString("\x04" + s.Topic + "\x05" + s.key())
	}
	for _, topic := range f.except {
		b.WriteString("\x06" + topic)
	}
	return b.String()
}

// Replay makes the frames of past events that the filters want, in their order, for a subscriber that resumes. Of
// events that a filter wants only every so often it makes the newest of each key. policy returns the policy of an
// event's frame.
func (f *Filters) Replay(e Engine, d protocol.Dialect, entries []history.Entry,
	policy func(*protocol.Event) outbox.Policy, now time.Time) (frames []*outbox.Frame) {
	var all []pendingSample
	latest := map[throttleKey]pendingSample{}
	for _, entry := range entries {
		selected, ok := f.Select(entry.Event)
		switch key := (throttleKey{entry.Event.Topic, entry.Event.Key}); {
		case !ok:
		case selected.every == 0:
			all = append(all, pendingSample{event: entry.Event, offset: entry.Offset})
		case latest[key].event != nil:
			latest[key] = pendingSample{event: latest[key].event.Conflate(entry.Event), offset: entry.Offset}
		default:
			latest[key] = pendingSample{event: entry.Event, offset: entry.Offset}
		}
	}
	all = slices.AppendSeq(all, maps.Values(latest))
	slices.SortFunc(all, byOffset)
	for _, sample := range all {
		sample.policy = policy(sample.event) // without it a newer frame could get ahead of this one
		selected, _ := f.Select(sample.event)
		if frame := sample.frame(e, d, &selected, now); frame != nil {
			frames = append(frames, frame)
		}
	}
	return frames
}
