package fanout

import (
	"maps"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Replay makes the frames of remembered events for a subscriber that comes with these filters, in their order. Of events
// that it wants only every so often it gets the newest of each key. policy says what may become of the frame of an event.
func (f *Filters) Replay(e Encoder, d protocol.Dialect, entries []history.Entry, policy func(*protocol.Event) outbox.Policy, now time.Time) (frames []*outbox.Frame) {
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
		view, _, _ := f.Select(sample.event)
		if frame := e.Encode(d, view, sample.event, now.UnixNano()); frame != nil {
			frame.Bind(policy(sample.event), sample.event.Topic, sample.event.Key) // else a newer one could get ahead of it
			frames = append(frames, frame)
		}
	}
	return frames
}
