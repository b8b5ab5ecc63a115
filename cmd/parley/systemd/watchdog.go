package systemd

import (
	"context"
	"time"
)

// again is when a service that was not well is looked at again: one bad moment is not to be its end.
const again = time.Second

// Watch tells systemd that the service works for as long as well says so, until ctx ends. well ends when its context
// does. Without a watchdog it does nothing.
func (n *Notifier) Watch(ctx context.Context, well func(context.Context) error) {
	every := n.Interval()
	if every == 0 {
		return
	}
	for wait := time.Duration(0); ; {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		if n.check(ctx, every, well) {
			wait = every
		} else {
			wait = min(again, every)
		}
	}
}

func (n *Notifier) check(ctx context.Context, within time.Duration, well func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if well(ctx) != nil {
		return false
	}
	n.Alive()
	return true
}
