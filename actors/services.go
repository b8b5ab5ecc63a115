package actors

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// Authenticator says who shows a credential. The error is a protocol.Refusal.
type Authenticator interface {
	Authenticate(ctx context.Context, tenant string, credential protocol.Credential) (*protocol.Identity, error)
}

// Authorizer is an Authenticator that also knows rights which are not in the identity. The error is a protocol.Refusal.
type Authorizer interface {
	Authorize(ctx context.Context, tenant string, id *protocol.Identity, topic string) error
}

var (
	errGone     = &protocol.Refusal{Reason: protocol.Draining}
	errDraining = &protocol.Refusal{Reason: protocol.Draining, RetryAfter: 5 * time.Second}

	errSuspended = &protocol.Refusal{Reason: protocol.Suspended, Detail: "the tenant is suspended; ask its operator"}

	errNoConnection = &protocol.Refusal{Reason: protocol.NotFound, Detail: "the connection has ended"}
)

// services are what every actor needs of its node: settings, clock, log, counters, store. They know no actor.
type services struct {
	// Static after start.
	cfg             Config
	log             *slog.Logger
	auth            Authenticator
	rights          Authorizer // nil if identities alone say what is allowed
	system          *mailbox.System
	wheel           *timer.Wheel
	backlog         *outbox.Backpressure
	outboxes        outbox.Shared
	supervise       struct{ tenant, user, topic, connection, lifecycle *mailbox.Supervisor }
	sessions        *resume.Store // of clients that may come back
	watermark       *health.Watermark
	unauthenticated *limit.Unauthenticated

	admission // where connections come in (admission.go)
	totals    // of what passes (metrics.go)

	resumes atomic.Bool                   // in some tenant clients may resume without words for it
	store   atomic.Pointer[durable.Store] // nil while there is none
	awaited atomic.Pointer[Opening]       // nil while none is awaited; it is not asked when there is a store

	lifecycles sync.WaitGroup // that have not stopped; no other actors
}

// start makes them ready. The watermark comes later, since it sees the tenants.
func (s *services) start(cfg Config, auth Authenticator) {
	cfg = cfg.withDefaults()
	s.cfg, s.log, s.auth, s.totals = cfg, cfg.Logger, auth, newTotals()
	s.rights, _ = auth.(Authorizer)
	s.wheel, s.backlog = timer.NewWheel(), outbox.NewBackpressure(cfg.Backlog)
	s.outboxes.Limits = cfg.outbox()
	s.sessions = resume.NewStore(&s.totals)
	s.unauthenticated = limit.NewUnauthenticated(cfg.Unauthenticated, cfg.UnauthenticatedPerAddress)
	s.system = mailbox.NewSystem(s.log, s.wheel, s.totals.restarted)
	s.supervise.tenant = s.system.Supervisor("tenant", true)
	s.supervise.user = s.system.Supervisor("user", true)
	s.supervise.topic = s.system.Supervisor("topic", true)
	s.supervise.connection = s.system.Supervisor("connection", false)
	s.supervise.lifecycle = s.system.Supervisor("lifecycle", true)
}

// now is what Config.Clock tells. Times that are compared stay as it told them: by Round, Unix or a way to the disk a time
// loses its monotonic reading, and then a wall clock that is set decides what is old.
func (s *services) now() time.Time { return s.cfg.Clock() }

// gate is where connections come in. Nobody does while something is changed at it: so who came in before can be found,
// and who comes later sees the change.
type admission struct {
	entering sync.RWMutex // read while a connection comes in
	draining atomic.Bool
}

// enter begins the coming in of one connection, entered ends it.
func (g *admission) enter() { g.entering.RLock() }

func (g *admission) leave() { g.entering.RUnlock() }

// change does something that those who come in are to see.
func (g *admission) whileClosed(do func()) {
	g.entering.Lock()
	defer g.entering.Unlock()
	do()
}

// shut lets nobody in any more. When it returns, all who are in can be found.
func (g *admission) close() { g.whileClosed(func() { g.draining.Store(true) }) }

// Draining reports whether the node lets nobody in any more.
func (g *admission) Draining() bool { return g.draining.Load() }

// encoder makes the frames of events.
type encoder services

func (s *services) encoder() *encoder { return (*encoder)(s) }

// Encode makes the frame of an event, nil if there is nothing to say. This is the one place that recovers: a dialect that
// fails at an event must not keep it from those of other dialects. The event is then handled as if the dialect had no
// words for it, logged, and counted as dropped.
func (e *encoder) Encode(d protocol.Dialect, v protocol.Projection, ev *protocol.Event, born int64) (f *outbox.Frame) {
	defer func() {
		if cause := recover(); cause != nil {
			e.dropped(protocol.Internal, 1)
			e.log.Error("a dialect failed to encode an event", "dialect", d.Name(), "event", ev.ID, "kind", ev.Kind,
				"cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			f = nil
		}
	}()
	if data := d.Encode(ev, v); data != nil {
		return &outbox.Frame{Op: outbox.Text, Data: data, Born: born}
	}
	return nil
}

// Opening is a store that is being opened (durable.Opening).
type Opening interface {
	// Refusal says why nothing can be done with a durable topic yet.
	Refusal() *protocol.Refusal
}

// keeper is the store of durable topics, or why they cannot be used yet; neither if they are in memory.
func (n *services) durableStore() (*durable.Store, *protocol.Refusal) {
	if store := n.store.Load(); store != nil {
		return store, nil
	}
	if opening := n.awaited.Load(); opening != nil {
		return nil, (*opening).Refusal()
	}
	return nil, nil
}

// newEpoch names one life of a topic. Epochs are never reused.
func newEpoch() string { return strings.Clone(rand.Text()[:12]) }
