package actors

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/drain"
	"github.com/parley-realtime/parley/actors/fault"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/protocol"
)

// admin holds the calls with which an operator changes one tenant, its users or its connections. Other tenants do not
// notice. Its methods may be called from many goroutines at once.
type admin struct {
	tenants *tenants
	node    *services
	revoker revoker // nil if the authenticator cannot revoke
}

// Disconnect closes one connection: in its dialect's words if code is 0, otherwise with that WebSocket close code and
// reason. It does not wait for the end. The error is a protocol.Refusal of NotFound if there is no such tenant or
// connection.
func (a *admin) Disconnect(tenant, id string, code uint16, reason string) error {
	l, err := a.tenants.conn(tenant, id)
	if err != nil {
		return err
	}
	l.box.SendUnbounded(ending(protocol.Disconnected, code, reason))
	return nil
}

// DisconnectUser closes all connections of a user and returns how many; code and reason are those of Disconnect. It
// waits for the user's actor, and not for the ends of the connections. The error is a protocol.Refusal: NotFound if
// there are no connections, Busy if ctx ends first.
func (a *admin) DisconnectUser(ctx context.Context, tenant, user string, code uint16, reason string) (int, error) {
	t, err := a.tenants.lookup(tenant)
	if err != nil {
		return 0, err
	}
	answer := mailbox.NewReply[int]()
	if !t.users.Send(user, disconnectAll{ending(protocol.Disconnected, code, reason), answer}) {
		return 0, nobody(user)
	}
	count, err := answer.Wait(ctx)
	if err == nil && count == 0 {
		err = nobody(user)
	}
	if err != nil {
		return 0, err
	}
	return count, nil
}

// DrainTenant closes a tenant's connections in their dialects' words, spread over the time that ctx leaves, and returns
// how many. It blocks until they are gone. The tenant goes on: clients may come back. If ctx ends before all
// connections are gone, DrainTenant cuts the rest off and returns the error of ctx. NotFound if there is no such
// tenant.
func (a *admin) DrainTenant(ctx context.Context, tenant string) (closed int, err error) {
	t, refusal := a.tenants.lookup(tenant)
	if refusal != nil {
		return 0, refusal
	}
	all := t.conns()
	return len(all), drainAll(ctx, all, drain.Within(ctx))
}

// SuspendTenant switches a tenant off or on. While it is off, it admits no connection, takes no event, and has no
// connections: those that it has now are closed as Suspended. Topics and their histories stay. It does not wait for the
// connections' ends. NotFound if there is no such tenant.
func (a *admin) SuspendTenant(tenant string, on bool) error {
	t, err := a.tenants.lookup(tenant)
	if err != nil {
		return err
	}
	// A connection that is coming in now is either among those below, or sees the flag.
	a.node.admission.WhileClosed(func() { t.suspended.Store(on) })
	if on {
		a.node.sessions.Forget(t.name, func(*resume.Session) bool { return true })
		for _, l := range t.conns() {
			l.box.SendUnbounded(ending(protocol.Suspended, 0, ""))
		}
	}
	return nil
}

// RestartTenant ends a tenant's connections, users and topics, and lets it begin anew: topics get new epochs and no
// history. It blocks until the old ones are gone, or until ctx ends, whose error it then returns. NotFound if there is
// no such tenant, Conflict if another restart of it is going on.
func (a *admin) RestartTenant(ctx context.Context, tenant string) error {
	t, refusal := a.tenants.lookup(tenant)
	if refusal != nil {
		return refusal
	}
	busy := false
	// A connection that is coming in now is either among those below, or sees the flag.
	a.node.admission.WhileClosed(func() { busy = t.restarting.Swap(true) })
	if busy {
		return protocol.Refuse(protocol.Conflict, "the tenant is restarting already")
	}
	defer t.restarting.Store(false)
	err := drainAll(ctx, t.conns(), drain.Within(ctx))
	if late := t.flush(ctx); err == nil && late != nil { // the old topics get the last lifecycle events
		err = ctx.Err()
	}
	for _, d := range []*mailbox.Registry{t.topics, t.users} {
		for name, box := range d.Clear() {
			if d == t.topics && counts(name) {
				t.topicsMade.Add(-1)
			}
			a.node.system.Stop(box)
		}
	}
	t.inboxes.Reset()
	return err
}

// drainAll closes connections, in random order over some time, and blocks until they are gone. If ctx ends before, it
// cuts off the rest and returns the error of ctx.
func drainAll(ctx context.Context, all []*Conn, over time.Duration) error {
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	err := drain.Over(ctx, len(all), over,
		func(i int) { all[i].box.SendUnbounded(ending(protocol.Draining, 0, "")) },
		func() bool { return !slices.ContainsFunc(all, func(l *Conn) bool { return !l.flags.has(isOut) }) })
	if err != nil {
		cut(all)
	}
	return err
}

func cut(all []*Conn) {
	for _, l := range all {
		l.Note(recorder.Close{
			Code: recorder.NoFrame, Reason: protocol.Draining, Detail: "there was no time to close it"})
		l.outbox.Transport().Cut()
	}
}

// InjectFault begins a fault for connections of a tenant, and cuts those off that a cut is about. Errors are
// protocol.Refusals: NotFound (tenant), Malformed, Busy if there are too many faults.
func (a *admin) InjectFault(tenant string, spec fault.Spec) (fault.Info, error) {
	t, refusal := a.tenants.lookup(tenant)
	if refusal != nil {
		return fault.Info{}, refusal
	}
	f, err := a.node.faults.Put(tenant, spec)
	if err != nil {
		return fault.Info{}, err
	}
	if f.Kind == fault.Cut {
		for _, l := range t.conns() {
			if of, _ := a.tenants.source(tenant, l.number()); f.Hits(l.number(), of) {
				l.Note(recorder.Close{
					Code: recorder.NoFrame, Reason: protocol.Lost, Detail: "an injected fault cut it"})
				l.outbox.Transport().Cut()
			}
		}
	}
	return f.Info(), nil
}

// Faults lists the faults of a tenant, the oldest first.
func (a *admin) Faults(tenant string) []fault.Info { return a.node.faults.List(tenant) }

// EndFault ends a fault of a tenant; NotFound if there is no such fault.
func (a *admin) EndFault(tenant, id string) (fault.Info, error) {
	return a.node.faults.Remove(tenant, id)
}
