package actors

import (
	"context"
	"log/slog"
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
