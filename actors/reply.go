package actors

import (
	"context"

	"github.com/parley-realtime/parley/protocol"
)

// reply is where one answer goes. Who waits for it may have given up: nobody ever blocks on giving.
//
// Waits go one way, so that none can be for oneself: front door -> connection -> tenant -> user or topic. An actor that
// waits holds a goroutine meanwhile and nothing else; protoactor's default dispatcher gives each running actor its own.
type reply[T any] struct{ ch chan answer[T] }

type answer[T any] struct {
	value T
	why   *protocol.Refusal
}

func newReply[T any]() reply[T] { return reply[T]{make(chan answer[T], 1)} }

// give answers; the first answer counts. Without a channel nobody wants to know.
func (r reply[T]) give(value T, why *protocol.Refusal) {
	select {
	case r.ch <- answer[T]{value, why}:
	default:
	}
}

func (r reply[T]) refuse(why *protocol.Refusal) {
	var none T
	r.give(none, why)
}

// wait returns the answer, or Busy when ctx ends first.
func (r reply[T]) wait(ctx context.Context) (T, *protocol.Refusal) {
	select {
	case a := <-r.ch:
		return a.value, a.why
	case <-ctx.Done():
		var none T
		return none, errBusy
	}
}
