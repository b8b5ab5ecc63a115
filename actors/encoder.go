package actors

import (
	"fmt"
	"runtime/debug"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// encoder makes the frames of events.
type encoder services

func (s *services) encoder() *encoder { return (*encoder)(s) }

// Encode makes the frame of an event, nil if there is nothing to say. This is the one place that recovers: a dialect that
// fails at an event must not keep it from those of other dialects. The event is then handled as if the dialect had no
// words for it, logged, and counted as dropped.
func (e *encoder) Encode(d protocol.Dialect, v protocol.Projection, ev *protocol.Event, born int64) (f *outbox.Frame) {
	defer func() {
		if cause := recover(); cause != nil {
			e.dropped(protocol.Internal, 1)
			e.log.Error("a dialect failed to encode an event", "dialect", d.Name(), "event", ev.ID, "kind", ev.Kind,
				"cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			f = nil
		}
	}()
	if data := d.Encode(ev, v); data != nil {
		return &outbox.Frame{Op: outbox.Text, Data: data, Born: born}
	}
	return nil
}
