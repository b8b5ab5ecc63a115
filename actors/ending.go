package actors

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

// ending asks a connection to end. code 0 is what the reason's own is.
func ending(why protocol.Reason, code uint16, reason string) end {
	if code != 0 && reason == "" {
		reason = string(why)
	}
	return end{why: &protocol.Refusal{Reason: why}, code: code, reason: reason}
}

// Drain lets nobody in any more and closes all connections, in their dialects' words, paced by tellRate and in random order,
// so that not all clients come to the next server at once; faster if ctx leaves less time than that. It returns when all are
// gone, or with the context's error and the rest cut off.
func (n *Node) Drain(ctx context.Context) error {
	n.gate.shut()
	all := n.everyLink()
	err := drain(ctx, all, min(paced(len(all)), tellWithin(ctx)), protocol.Draining)
	if why := n.tenants.settle(ctx); err == nil && why != nil {
		return ctx.Err()
	}
	return err
}

// drain closes connections, in random order over some time, and waits until they are gone. If ctx ends before, it cuts off
// the rest and returns its error.
func drain(ctx context.Context, all []*Link, over time.Duration, why protocol.Reason) error {
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	const step = 10 * time.Millisecond
	began := time.Now()
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	told := 0
	for {
		to := len(all)
		if at := time.Since(began) + step; at < over { // by the clock: a busy machine skips ticks
			to = int((float64(len(all))*at.Seconds() + over.Seconds()/2) / over.Seconds()) // rounded: one alone is told halfway
		}
		for _, l := range all[told:to] {
			l.box.SendUnbounded(ending(why, 0, ""))
		}
		told = to
		if !slices.ContainsFunc(all, func(l *Link) bool { return !l.flags.has(isOut) }) {
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

const (
	// tellRate is how many connections a second are told to end if there is time: a server to which they all go next takes as
	// many handshakes and logins beside its own work.
	tellRate = 1000

	// tellLeast is over how long even a few are told: their clients are not to come back at the same moment.
	tellLeast = time.Second
)

// paced is over how long so many connections are told to end by the rate, and not longer, however much time there is: whoever
// runs this process may have less patience with it than it was told.
func paced(count int) time.Duration {
	return max(tellLeast, time.Duration(count)*time.Second/tellRate)
}

// tellWithin is over how much of the time that ctx leaves connections can be told to end. The last 2 s and a fifth of the rest
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
		l.outbox.Transport().Cut()
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
	n.watermark.Stop()
	n.watchdog.Stop()
	cut(n.everyLink())
	for _, c := range n.canaries {
		c.Cut()
	}
	for _, t := range n.tenants.all() {
		n.system.Stop(&t.box)
	}
	n.system.Wait()
	n.tenants.farewell()
	n.lifecycles.Wait()
	n.wheel.Close()
	n.system.Close()
}

// stopAll stops the tenant's topics and users. The tenant's actor calls it as its last act, when it makes no more of
// them. Connections end by their sockets.
func (t *tenantCore) stopAll() {
	for _, d := range []*mailbox.Registry{t.topics, t.users} {
		d.Each(func(_ string, box *mailbox.Mailbox) bool {
			t.node.system.Stop(box)
			return true
		})
	}
}
