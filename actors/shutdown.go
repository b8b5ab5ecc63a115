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
func ending(why protocol.Reason, code uint16, reason string) endConnection {
	if code != 0 && reason == "" {
		reason = string(why)
	}
	return endConnection{why: &protocol.Refusal{Reason: why}, code: code, reason: reason}
}

// Drain lets nobody in any more and closes all connections, in their dialects' words, paced by tellRate and in random order,
// so that not all clients come to the next server at once; faster if ctx leaves less time than that. It returns when all are
// gone, or with the context's error and the rest cut off.
func (n *Node) Drain(ctx context.Context) error {
	n.admission.close()
	all := n.allConns()
	err := drain(ctx, all, min(paced(len(all)), tellWithin(ctx)), protocol.Draining)
	if why := n.tenants.flush(ctx); err == nil && why != nil {
		return ctx.Err()
	}
	return err
}

// drain closes connections, in random order over some time, and waits until they are gone. If ctx ends before, it cuts off
// the rest and returns its error.
func drain(ctx context.Context, all []*Conn, over time.Duration, why protocol.Reason) error {
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
		if !slices.ContainsFunc(all, func(l *Conn) bool { return !l.flags.has(isOut) }) {
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

func cut(all []*Conn) {
	for _, l := range all {
		l.outbox.Transport().Cut()
	}
}

func (t *tenantCore) conns() (all []*Conn) {
	t.links.each(func(l *Conn) bool { all = append(all, l); return true })
	return all
}

// Close ends everything at once: all connections, actors and the wheel. It returns when they have ended.
func (n *Node) Close() {
	if n.closed.Swap(true) {
		return
	}
	n.admission.close()
	n.watermark.Stop()
	n.watchdog.Stop()
	cut(n.allConns())
	for _, c := range n.canaries {
		c.Cut()
	}
	for _, t := range n.tenants.all() {
		n.system.Stop(&t.box)
	}
	n.system.Wait()
	n.tenants.stopLifecycles()
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

// This is the end of what lifecycles tell: all that has happened is told before they end.

// thatTell are those whose lifecycle is told.
func (ts *tenants) withLifecycle() (some []*tenantCore) {
	for _, t := range ts.all() {
		if t.lifecycle.Load() != nil {
			some = append(some, t)
		}
	}
	return some
}

// settle returns when what the users and connections have told so far is in the topics and with the sinks, or with
// Busy when ctx ends before.
func (ts *tenants) flush(ctx context.Context) *protocol.Refusal {
	for _, t := range ts.withLifecycle() {
		if why := t.flush(ctx); why != nil && why.Reason == protocol.Busy {
			return why
		}
	}
	return nil
}

// farewell ends the lifecycles, when nothing happens any more and all that did is told.
func (ts *tenants) stopLifecycles() {
	for _, t := range ts.withLifecycle() {
		t.lifecycle.Load().box.SendUnbounded(stopLifecycle{})
	}
}

func (t *tenantCore) flush(ctx context.Context) *protocol.Refusal {
	var users []mailbox.Reply[[]*Conn]
	t.users.Each(func(_ string, box *mailbox.Mailbox) bool {
		answer := mailbox.NewReply[[]*Conn]()
		box.SendUnbounded(listConns{answer}) // it answers behind what it has to tell
		users = append(users, answer)
		return true
	})
	for _, answer := range users {
		if _, why := answer.Wait(ctx); why != nil && why.Reason == protocol.Busy {
			return why
		}
	}
	l := t.lifecycle.Load()
	if l == nil {
		return nil
	}
	told := mailbox.NewReply[struct{}]()
	l.box.SendUnbounded(flushLifecycle{ctx, told})
	_, why := told.Wait(ctx)
	return why
}
