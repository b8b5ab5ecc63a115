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

// Select reports whether the filters want an event, in which projection, and how often at most; every is 0 for always.
func (f *Filters) Select(ev *protocol.Event) (projection protocol.Projection, every time.Duration, ok bool) {
	if f.subscriptions == nil {
		return f.projection, 0, true
	}
	for _, topic := range f.except {
		if protocol.Under(ev.Topic, topic) {
			return "", 0, false
		}
	}
	for i := range f.subscriptions {
		s := &f.subscriptions[i]
		if !protocol.Under(ev.Topic, s.Topic) {
			continue
		}
		p, hit, often := s.apply(ev)
		switch {
		case !hit:
			continue
		case !ok:
			projection, every, ok = p, often, true
		default:
			projection, every = projection.Union(p), min(every, often)
		}
	}
	return projection, every, ok
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
func (f *Filters) Replay(e Encoder, d protocol.Dialect, entries []history.Entry,
	policy func(*protocol.Event) outbox.Policy, now time.Time) (frames []*outbox.Frame) {
	var all []pendingSample
	latest := map[throttleKey]pendingSample{}
	for _, entry := range entries {
		_, every, ok := f.Select(entry.Event)
		switch key := (throttleKey{entry.Event.Topic, entry.Event.Key}); {
		case !ok:
		case every == 0:
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
		projection, _, _ := f.Select(sample.event)
		if frame := sample.frame(e, d, projection, now); frame != nil {
			frames = append(frames, frame)
		}
	}
	return frames
}
