package actors

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// ending asks a connection to end. code 0 is what the reason's own is.
func ending(why protocol.Reason, code uint16, reason string) end {
	if code != 0 && reason == "" {
		reason = string(why)
	}
	return end{why: &protocol.Refusal{Reason: why}, code: code, reason: reason}
}

// Drain lets nobody in any more and closes all connections, in their dialects' words, paced and in random order over
// the time that ctx leaves, so that not all clients come to the next server at once. It returns when all are gone, or
// with the context's error and the rest cut off.
func (n *Node) Drain(ctx context.Context) error {
	n.gate.shut()
	err := drain(ctx, n.everyLink(), protocol.Draining)
	if why := n.tenants.settle(ctx); err == nil && why != nil {
		return ctx.Err()
	}
	return err
}

// drain closes connections, paced and in random order over the time that ctx leaves, and waits until they are gone. If
// ctx ends before, it cuts off the rest and returns its error.
func drain(ctx context.Context, all []*Link, why protocol.Reason) error {
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	const step = 10 * time.Millisecond
	began, over := time.Now(), tellWithin(ctx)
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	told := 0
	for {
		to := len(all)
		if at := time.Since(began) + step; at < over { // by the clock: a busy machine skips ticks
			to = int((float64(len(all))*at.Seconds() + over.Seconds()/2) / over.Seconds()) // rounded: one alone is told halfway
		}
		for _, l := range all[told:to] {
			l.box.force(ending(why, 0, ""))
		}
		told = to
		if !slices.ContainsFunc(all, func(l *Link) bool { return !l.out.Load() }) {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			cut(all)
			return ctx.Err()
		}
	}
}

// tellWithin is over how much of the time that ctx leaves connections are told to end. The last 2 s and a fifth of the rest
// are for closing handshakes: a machine with too little processor needs them, and who is cut off has not heard a word.
func tellWithin(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return max(0, (time.Until(deadline)-2*time.Second)*4/5)
}

func cut(all []*Link) {
	for _, l := range all {
		l.outbox.wire.Cut()
	}
}

func (t *tenantCore) everyLink() (all []*Link) {
	t.links.each(func(l *Link) bool { all = append(all, l); return true })
	return all
}

// Close ends everything at once: all connections, actors and the wheel. It returns when they have ended.
func (n *Node) Close() {
	if n.closed.Swap(true) {
		return
	}
	n.gate.shut()
	n.watermark.end()
	n.watchdog.end()
	cut(n.everyLink())
	for _, c := range n.canaries {
		c.Cut()
	}
	for _, t := range n.tenants.all() {
		n.system.Root.Stop(t.box.pid())
	}
	n.actors.Wait()
	n.tenants.farewell()
	n.lifecycles.Wait()
	n.wheel.close()
	n.system.Shutdown()
}

// stopAll stops the tenant's topics and users. The tenant's actor calls it as its last act, when it makes no more of
// them. Connections end by their sockets.
func (t *tenantCore) stopAll() {
	root := t.node.system.Root
	for _, d := range []*directory{t.topics, t.users} {
		d.each(func(_ string, box *mailbox) bool {
			root.Stop(box.pid())
			return true
		})
	}
}
