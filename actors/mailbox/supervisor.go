package mailbox

import (
	"fmt"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/parley-realtime/parley/protocol"
)

// failure is a panic on its way to the supervisor.
type actorPanic struct {
	cause any
	stack []byte
}

func (f actorPanic) String() string { return fmt.Sprint(f.cause) }

// supervisor decides what becomes of an actor that panicked: a restart, at once the first time and then with growing
// delay, or its end. The message that it failed at is refused as internal, all others wait for the restart.
//
// Supervisors are protoactor guardians and not parents: a restart in protoactor stops the children of the restarted
// actor, so that a parent that does any work would take its whole subtree with it. What belongs to whom is in the
// directories, which outlive a restart. For protoactor a restart is a resumption: what an actor knows stays, and the
// mailbox tells it by restarted, before anything else, to put in order what the failure left.
type Supervisor struct {
	// Static.
	system   *System
	kind     string // of the actors: tenant, user, topic, connection
	restarts bool
	props    *actor.Props // of all of them, since they are many: 240 bytes each otherwise

	spawning sync.Mutex // guards these
	spawned  actor.Actor
	box      *Mailbox
}

// Supervisor makes the supervisor of one kind of actors. Those of a kind that restarts go on after a panic, others end.
func (s *System) Supervisor(kind string, restart bool) *Supervisor {
	return newSupervisor(s, kind, restart)
}

// newSupervisor makes a supervisor and its guardian: protoactor makes guardians on first use, and two first uses at
// once would make two.
func newSupervisor(system *System, kind string, restart bool) *Supervisor {
	s := &Supervisor{system: system, kind: kind, restarts: restart}
	s.props = actor.PropsFromProducer(func() actor.Actor { return s.spawned },
		actor.WithMailbox(func() actor.Mailbox { return s.box }), actor.WithGuardian(s))
	system.engine.Root.Copy().WithGuardian(s).Self()
	return s
}

// spawn starts an actor. It is counted until it says that it has stopped. The props hand out the one that is being
// spawned; protoactor asks them only once, since a failed actor goes on and is not made anew.
func (s *Supervisor) Spawn(a actor.Actor, box *Mailbox) {
	s.system.running.Add(1)
	s.spawning.Lock()
	defer s.spawning.Unlock()
	s.spawned, s.box = a, box
	s.system.engine.Root.Spawn(s.props)
	s.spawned, s.box = nil, nil
}

// Restarts are delayed by 0, 50 ms, 100 ms ... up to SlowestRestart; failures older than ForgiveAfter are forgotten.
const (
	FirstDelay     = 50 * time.Millisecond
	SlowestRestart = 5 * time.Second
	ForgiveAfter   = 10 * time.Second
)

// HandleFailure implements actor.SupervisorStrategy. It runs on the goroutine of the actor that failed.
func (s *Supervisor) HandleFailure(_ *actor.ActorSystem, sup actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, message any) {
	s.system.onPanic(s.kind)
	f, _ := reason.(actorPanic)
	s.system.log.Error("an actor failed", "kind", s.kind, "actor", child.Id, "at", fmt.Sprintf("%T", message), "cause", fmt.Sprint(reason), "stack", string(f.stack))
	if r, ok := message.(Refusable); ok {
		r.Refuse(&protocol.Refusal{Reason: protocol.Internal})
	}
	if !s.restarts {
		sup.StopChildren(child)
		return
	}
	if rs.NumberOfFailures(ForgiveAfter) == 0 {
		rs.Reset() // it keeps every failure else
	}
	rs.Fail()
	failures := rs.NumberOfFailures(ForgiveAfter)
	if failures <= 1 {
		sup.ResumeChildren(child)
		return
	}
	delay := min(FirstDelay<<min(failures-2, 10), SlowestRestart)
	s.system.wheel.Schedule(time.Now().Add(delay), delayedRestart{sup, child})
}

// restarting is a restart that waits.
type delayedRestart struct {
	supervisor actor.Supervisor
	child      *actor.PID
}

func (r delayedRestart) Fire() { r.supervisor.ResumeChildren(r.child) }
