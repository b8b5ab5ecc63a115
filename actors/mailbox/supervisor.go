package mailbox

import (
	"fmt"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/parley-realtime/parley/protocol"
)

// actorPanic is a panic on its way to the supervisor.
type actorPanic struct {
	cause any
	stack []byte
}

func (p actorPanic) String() string { return fmt.Sprint(p.cause) }

// Supervisor starts the actors of one kind and decides what becomes of one that panicked: a restart, at once the first
// time and then with growing delay, or its end. The message at which it failed is refused as Internal, all others wait
// for the restart.
//
// Supervisors are protoactor guardians and not parents: a restart in protoactor stops the children of the restarted
// actor, so that a parent that does any work would take its whole subtree with it. The registries know what belongs to
// whom, and outlive a restart. For protoactor our restart is a resumption: the actor keeps what it knew, and its
// mailbox gives it Restarted before any other message.
type Supervisor struct {
	// Static.
	system   *System
	kind     string // of the actors: tenant, user, topic, connection
	restarts bool
	props    *actor.Props // shared by all actors of the kind, since they are many: 240 bytes each otherwise

	spawning sync.Mutex // guards these
	spawned  Actor
	box      *Mailbox
}

// Supervisor makes the supervisor of one kind of actors, which restart after a panic, or end. It makes the guardian as
// well, since protoactor does so on first use, and two first uses at once would make two.
func (s *System) Supervisor(kind string, restarts bool) *Supervisor {
	v := &Supervisor{system: s, kind: kind, restarts: restarts}
	v.props = actor.PropsFromProducer(func() actor.Actor { return v.spawned },
		actor.WithMailbox(func() actor.Mailbox { return v.box }), actor.WithGuardian(v))
	s.engine.Root.Copy().WithGuardian(v).Self()
	return v
}

// Spawn starts an actor, whose mailbox box is; messages may wait in it already. System.Wait waits for the actor until
// it calls System.Done. The props hand out the actor that is being spawned; protoactor asks them only once, since a
// failed actor goes on and is not made anew.
func (s *Supervisor) Spawn(a Actor, box *Mailbox) {
	s.system.running.Add(1)
	s.spawning.Lock()
	defer s.spawning.Unlock()
	s.spawned, s.box = a, box
	s.system.engine.Root.Spawn(s.props)
	s.spawned, s.box = nil, nil
}

// Restarts are delayed by 0, FirstDelay, twice that ... up to SlowestRestart. Failures older than ForgiveAfter do not
// count.
const (
	FirstDelay     = 50 * time.Millisecond
	SlowestRestart = 5 * time.Second
	ForgiveAfter   = 10 * time.Second
)

// HandleFailure implements actor.SupervisorStrategy. It runs on the goroutine that ran the failed actor.
func (s *Supervisor) HandleFailure(_ *actor.ActorSystem, guardian actor.Supervisor, child *actor.PID,
	failures *actor.RestartStatistics, reason, message any) {
	s.system.onPanic(s.kind)
	p, _ := reason.(actorPanic)
	s.system.log.Error("an actor failed", "kind", s.kind, "actor", child.Id,
		"at", fmt.Sprintf("%T", message), "cause", fmt.Sprint(reason), "stack", string(p.stack))
	if r, ok := message.(Refusable); ok {
		r.Refuse(&protocol.Refusal{Reason: protocol.Internal})
	}
	if !s.restarts {
		guardian.StopChildren(child)
		return
	}
	if failures.NumberOfFailures(ForgiveAfter) == 0 {
		failures.Reset() // else it keeps every failure
	}
	failures.Fail()
	recent := failures.NumberOfFailures(ForgiveAfter)
	if recent <= 1 {
		guardian.ResumeChildren(child)
		return
	}
	delay := min(FirstDelay<<min(recent-2, 10), SlowestRestart)
	s.system.wheel.Schedule(time.Now().Add(delay), delayedRestart{guardian, child})
}

// delayedRestart is a restart that waits in the wheel.
type delayedRestart struct {
	guardian actor.Supervisor
	child    *actor.PID
}

func (r delayedRestart) Fire() { r.guardian.ResumeChildren(r.child) }
