package mailbox

import (
	"log/slog"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/parley-realtime/parley/actors/timer"
)

// The parts of protoactor that an actor of this engine sees.
type (
	// Actor has one method, Receive(Context), which handles one message at a time.
	Actor = actor.Actor
	// Context is what an actor gets with a message: the message, and its own handle.
	Context = actor.Context
	// Started is an actor's first message.
	Started = actor.Started
	// Stopped is an actor's last message.
	Stopped = actor.Stopped
)

// System is protoactor's actor system, as one node uses it. Many goroutines may use it at once.
type System struct {
	// Static.
	engine  *actor.ActorSystem
	log     *slog.Logger
	wheel   *timer.Wheel
	onPanic func(kind string)

	running sync.WaitGroup // actors that have not called Done, and tasks that have not ended
}

// NewSystem makes a system without actors. It calls onPanic each time an actor panicked, with the kind of its
// supervisor. The wheel serves delayed restarts.
func NewSystem(log *slog.Logger, wheel *timer.Wheel, onPanic func(kind string)) *System {
	quiet := slog.New(slog.DiscardHandler) // the supervisor logs each failure itself
	s := &System{log: log, wheel: wheel, onPanic: onPanic}
	s.engine = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet }))
	shrinkRegistry(s.engine)
	return s
}

// Stop asks the actor of a mailbox to stop when it has handled its current message. It does not wait for that.
func (s *System) Stop(m *Mailbox) { s.engine.Root.Stop(m.pid()) }

// Go runs a task on a goroutine, for which Wait waits as for an actor.
func (s *System) Go(task func()) { s.running.Go(task) }

// Done takes one actor off those that Wait waits for. Each actor calls it when it has stopped.
func (s *System) Done() { s.running.Done() }

// Wait blocks until all actors have called Done.
func (s *System) Wait() { s.running.Wait() }

// Close ends the system. No actor may run any more.
func (s *System) Close() { s.engine.Shutdown() }

// registryShards is how many of protoactor's 1,024 registry buckets are kept. Each has 32 maps of its own, and a map
// with one entry takes up 260 bytes: with 32,768 of them, actors cost 130 bytes more apiece until there are a million.
// 512 maps are plenty for locks that are held for one look-up.
const registryShards = 16

// shrinkRegistry shrinks protoactor's process registry. It must come before anything is spawned.
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
