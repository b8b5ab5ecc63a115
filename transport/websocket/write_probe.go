package websocket

import (
	"context"

	"github.com/parley-realtime/parley/actors/outbox"
)

// probeOutbox is the outbox of a probe: a socket without client, which waits in a ready queue like any other. A probe
// succeeds when a writer asks its outbox for frames. There are none.
type probeOutbox struct{ taken chan struct{} } // capacity 1

// newProbe returns a probe of a ready queue and its writers. Its error is the context's; it must not run twice at a
// time.
func newProbe(s *Server, q *readyQueue) func(context.Context) error {
	p := &probeOutbox{taken: make(chan struct{}, 1)}
	k := &socket{server: s, fd: fdRef{number: noFD}, queue: q, outbox: p}
	return func(ctx context.Context) error { return p.run(ctx, k) }
}

func (p *probeOutbox) run(ctx context.Context, k *socket) error {
	select {
	case <-p.taken: // left by a run that gave up
	default:
	}
	k.Wake()
	select {
	case <-p.taken:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Take implements frameSource.
func (p *probeOutbox) Take(into []*outbox.Frame, _ int) []*outbox.Frame {
	select {
	case p.taken <- struct{}{}:
	default:
	}
	return into
}

// Nothing is ever taken, so nothing is settled, parked or said. These implement frameSource.
func (p *probeOutbox) Ack([]*outbox.Frame, int64) (int, bool)  { return 0, false }
func (p *probeOutbox) Backpressure() *outbox.Backpressure      { return nil }
func (p *probeOutbox) SetParked(bool)                          {}
func (p *probeOutbox) SendControl(outbox.Op, []byte, bool) int { return outbox.RefusedClosed }
func (p *probeOutbox) Charge(int) bool                         { return false }

// noFD is a number that no descriptor has.
const noFD = -1

var _ frameSource = (*probeOutbox)(nil)
