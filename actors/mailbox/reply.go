package mailbox

import (
	"context"

	"github.com/parley-realtime/parley/protocol"
)

// reply is where one answer goes. Who waits for it may have given up: nobody ever blocks on giving.
//
// Waits go one way, so that none can be for oneself: front door -> connection -> older connection of the same client ->
// tenant -> user or topic. An actor that
// waits holds a goroutine meanwhile and nothing else; protoactor's default dispatcher gives each running actor its own.
type Reply[T any] struct{ ch chan answer[T] }

type answer[T any] struct {
	value T
	err   *protocol.Refusal
}

func NewReply[T any]() Reply[T] { return Reply[T]{make(chan answer[T], 1)} }

// give answers; the first answer counts. It reports false if nobody wants to know: who asked has given up, or never
// waited. What was done for them alone is then undone.
func (r Reply[T]) Give(value T, err *protocol.Refusal) bool {
	select {
	case r.ch <- answer[T]{value, err}:
		return true
	default:
		return false
	}
}

func (r Reply[T]) Refuse(err *protocol.Refusal) {
	var none T
	r.Give(none, err)
}

// wait returns the answer, or Busy when ctx ends first; then no answer is taken any more, and give says so.
func (r Reply[T]) Wait(ctx context.Context) (T, *protocol.Refusal) {
	var none T
	select {
	case a := <-r.ch:
		return a.value, a.err
	case <-ctx.Done():
		if r.Give(none, ErrBusy) { // and stays in the channel, so that no other answer fits
			return none, ErrBusy
		}
		a := <-r.ch // came at the last moment
		return a.value, a.err
	}
}
