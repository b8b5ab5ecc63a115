// Package encoding makes the frames of events. It is the one place that recovers from a panic: a dialect that fails at
// an event must not keep it from the connections of other dialects. The event is then handled as if the dialect had no
// words for it, logged, and counted as dropped.
package encoding

import (
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
)

// Encoder has dialects encode events. Many goroutines may use it at once.
type Encoder struct {
	log    *slog.Logger
	totals *stats.Totals
}

// New returns an encoder that writes failures to log, and counts them in totals.
func New(log *slog.Logger, totals *stats.Totals) *Encoder { return &Encoder{log, totals} }

// Encode makes the frame of an event, nil if the dialect has no words for it. born is the time of the publish, in Unix
// nanoseconds.
func (e *Encoder) Encode(d protocol.Dialect, to protocol.Delivery, born int64) (f *outbox.Frame) {
	defer func() {
		if cause := recover(); cause != nil {
			e.totals.Dropped(protocol.Internal, 1)
			e.log.Error("a dialect failed to encode an event", "dialect", d.Name(), "event", to.Event.ID,
				"kind", to.Event.Kind, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			f = nil
		}
	}()
	if words := d.Encode(to); words.Data != nil {
		return frameOf(&words, born)
	}
	return nil
}

// frameOf makes the frame of an event, with those that follow it.
func frameOf(words *protocol.Encoded, born int64) *outbox.Frame {
	f := &outbox.Frame{Op: Op(words.Binary), Data: words.Data, Born: born}
	if words.Next != nil {
		f.Next = frameOf(words.Next, born)
	}
	return f
}

// Op is the kind of a frame with data.
func Op(binary bool) outbox.Op {
	if binary {
		return outbox.Binary
	}
	return outbox.Text
}
