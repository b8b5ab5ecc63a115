package websocket

import (
	"context"
	"fmt"

	"github.com/parley-realtime/parley/actors/outbox"
)

// Probes are ways by which frames have to get to sockets, by name: a line of writers each. A probe stands in the line like a socket,
// behind what is there, and comes through when a writer asks it for frames; it has none. Its error is the context's.
func (s *Server) Probes() map[string]func(context.Context) error {
	all := map[string]func(context.Context) error{}
	for i, l := range s.lines {
		t := &taster{asked: make(chan struct{}, 1)}
		k := &socket{server: s, handle: handle{fd: nowhere}, line: l, outbox: t}
		all[fmt.Sprint("writers ", i)] = func(ctx context.Context) error { return t.taste(ctx, k) }
	}
	return all
}

// taster is the outbox of a probe.
type taster struct{ asked chan struct{} } // capacity 1

func (t *taster) taste(ctx context.Context, k *socket) error {
	select {
	case <-t.asked: // by a probe that gave up
	default:
	}
	k.Wake()
	select {
	case <-t.asked:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Take implements outbox.
func (t *taster) Take(into []*outbox.Frame, _ int) []*outbox.Frame {
	select {
	case t.asked <- struct{}{}:
	default:
	}
	return into
}

// Nothing is ever taken, so nothing is settled, parked or said. These implement outbox.
func (t *taster) AckAt([]*outbox.Frame, int64) (int, bool) { return 0, false }
func (t *taster) ReleaseCredit(int)                        {}
func (t *taster) Backpressure() *outbox.Backpressure       { return nil }
func (t *taster) Park()                                    {}
func (t *taster) Unpark()                                  {}
func (t *taster) Reply(outbox.Op, []byte) bool             { return false }

// nowhere is a descriptor that none is.
const nowhere = -1

var _ frameSource = (*taster)(nil)
