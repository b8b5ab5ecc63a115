package websocket

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/fairqueue"
)

const (
	// handshakeRoom is how many handshakes may wait for their turn.
	handshakeRoom = 16384
	// writingPause is how long a handshake waits for the writers before it looks again, writingPauses times at most:
	// so even where they never rest, there are 500 handshakes a second for two processors.
	writingPause  = 100 * time.Microsecond
	writingPauses = 20
	// longestTurn bounds how long an upgrade that blocks holds up the next one. It takes 0.1 ms otherwise.
	longestTurn = 5 * time.Millisecond
)

// handshakePacer lets upgrades go one after the other, on half of the processors, while no writer is at work. A storm
// of clients would otherwise be thousands of goroutines that are ready to run, and the scheduler, which knows no
// priorities, would have each publish and each writer wait behind all of them.
type handshakePacer struct {
	turns   *fairqueue.Queue
	writing func() bool // reports whether a writer is at work
}

var errTooManyHandshakes = &protocol.Refusal{Reason: protocol.Busy, Rule: "handshake", RetryAfter: 2 * time.Second,
	Detail: "too many clients connect at once; come back or try another"}

// begin blocks until an upgrade for the tenant may begin; the caller calls done when it has ended. The refusal says
// that it may not, since too many wait, or for too long.
func (p *handshakePacer) begin(ctx context.Context, tenant string) (done func(), _ *protocol.Refusal) {
	if !p.turns.Acquire(ctx, tenant) {
		return nil, errTooManyHandshakes
	}
	for pauses := 0; pauses < writingPauses && p.writing(); pauses++ {
		time.Sleep(writingPause)
	}
	late := time.AfterFunc(longestTurn, p.turns.Release)
	return func() {
		if late.Stop() {
			p.turns.Release()
		}
	}, nil
}

// writing reports whether a writer is at work, or should be.
func (s *Server) writing() bool {
	for _, q := range s.queues {
		if q.active() {
			return true
		}
	}
	return false
}
