package mailbox

import (
	"log/slog"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/parley-realtime/parley/actors/timer"
)

// The parts of protoactor that an actor of this engine sees.
type (
	// Actor handles one message at a time.
	Actor = actor.Actor
	// Context is what an actor is given with a message.
	Context = actor.Context
	// Started is an actor's first message.
	Started = actor.Started
	// Stopped is its last one.
	Stopped = actor.Stopped
)

// System runs the actors of one node.
type System struct {
	// Static.
	engine  *actor.ActorSystem
	log     *slog.Logger
	wheel   *timer.Wheel
	onPanic func(kind string)

	running sync.WaitGroup // actors that have not stopped
}

// NewSystem makes a system without actors. failed is called each time an actor panicked, with the kind of its supervisor.
func NewSystem(log *slog.Logger, wheel *timer.Wheel, failed func(kind string)) *System {
	quiet := slog.New(slog.DiscardHandler) // the supervisor says what there is to say about a failure
	s := &System{log: log, wheel: wheel, onPanic: failed}
	s.engine = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet }))
	shrinkRegistry(s.engine)
	return s
}

// Stop asks the actor of a mailbox to stop once it has handled its message.
func (s *System) Stop(m *Mailbox) { s.engine.Root.Stop(m.pid()) }

// Done takes one actor off those that Wait waits for: each calls it when it has stopped.
func (s *System) Done() { s.running.Done() }

// Wait blocks until all actors have stopped.
func (s *System) Wait() { s.running.Wait() }

// Close ends the system. No actor may run.
func (s *System) Close() { s.engine.Shutdown() }

// registryShards is how many of protoactor's 1,024 registry buckets are kept. Each has 32 maps of its own, and a map
// with one entry takes up 260 bytes: with 32,768 of them, actors cost 130 bytes more apiece until there are a million.
// 512 maps are plenty for locks that are held for one look-up.
const registryShards = 16

// shrinkRegistry shrinks protoactor's process registry. It has to come before anything is spawned.
func shrinkRegistry(engine *actor.ActorSystem) {
	registry := engine.ProcessRegistry.LocalPIDs
	all := registry.LocalPIDs
	registry.LocalPIDs = append(all[:0:0], all[:registryShards]...)
	for _, bucket := range all {
		found := map[string]any{} // bucket.Items() starts 65 goroutines: 66,560 for all the buckets
		bucket.IterCb(func(id string, process any) { found[id] = process })
		for id, process := range found {
			bucket.Remove(id)
			registry.GetBucket(id).Set(id, process)
		}
	}
}
