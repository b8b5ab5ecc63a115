package mailbox

import (
	"context"

	"github.com/parley-realtime/parley/protocol"
)

// Reply carries one answer from an actor to the sender of a message. Giving the answer never blocks, though the sender
// may have given up waiting. The zero Reply takes no answer.
//
// Waits go one way, so that no actor can wait for itself: front door -> connection -> older connection of the same
// client -> tenant -> user or topic. An actor that waits holds its goroutine meanwhile and nothing else.
type Reply[T any] struct{ ch chan answer[T] }

type answer[T any] struct {
	value T
	err   *protocol.Refusal
}

// NewReply makes a Reply that takes one answer.
func NewReply[T any]() Reply[T] { return Reply[T]{make(chan answer[T], 1)} }

// Give gives the answer; only the first counts. It reports false if nobody takes the answer, because the sender has
// given up or never wanted one; the caller then undoes what it did for that sender alone.
func (r Reply[T]) Give(value T, err *protocol.Refusal) bool {
	select {
	case r.ch <- answer[T]{value, err}:
		return true
	default:
		return false
	}
}

// Refuse gives err as the answer; it implements Refusable.
func (r Reply[T]) Refuse(err *protocol.Refusal) {
	var none T
	r.Give(none, err)
}

// Wait blocks for the answer and returns it, or ErrBusy if ctx ends first; then no answer is taken any more, and Give
// reports that.
func (r Reply[T]) Wait(ctx context.Context) (T, *protocol.Refusal) {
	var none T
	select {
	case a := <-r.ch:
		return a.value, a.err
	case <-ctx.Done():
		if r.Give(none, ErrBusy) { // our own stays in the channel, so that no other answer fits
			return none, ErrBusy
		}
		a := <-r.ch // the answer came at the last moment
		return a.value, a.err
	}
}
