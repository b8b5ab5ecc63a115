package actors

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/encoding"
	"github.com/parley-realtime/parley/actors/fault"
	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/actors/tap"
	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

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
	taps            tap.Taps
	faults          fault.Faults
	supervise       struct{ tenant, user, topic, connection, lifecycle *mailbox.Supervisor }
	sessions        *resume.Store // suspended ones, of clients that may come back
	totals          *stats.Totals // for the metrics
	encoder         *encoding.Encoder
	asClient        publishAsClient
	watermark       *health.Watermark
	unauthenticated *limit.Unauthenticated
	recorder        *recorder.Recorder

	admission limit.Admission // where connections come in

	resumes atomic.Bool                   // some tenant lets clients resume whose dialects have no words for it
	store   atomic.Pointer[durable.Store] // nil while there is none
	awaited atomic.Pointer[Opening]       // nil while none is awaited; ignored when there is a store

	lifecycles sync.WaitGroup // the lifecycle actors that have not stopped
}

// publishAsClient publishes to a topic on behalf of a client, but not to the connection with the id exclude.
type publishAsClient func(
	ctx context.Context, tenant, topic, exclude string, ev *protocol.Event,
) (protocol.Position, error)

// start makes the services ready. The watermark comes later, since it sees the tenants.
func (s *services) start(cfg Config, auth Authenticator) {
	cfg = cfg.WithDefaults()
	s.cfg, s.log, s.auth, s.totals = cfg, cfg.Logger, auth, stats.NewTotals()
	s.rights, _ = auth.(Authorizer)
	s.encoder = encoding.New(s.log, s.totals)
	s.wheel, s.backlog = timer.NewWheel(), outbox.NewBackpressure(cfg.Backlog)
	s.outboxes.Limits, s.outboxes.Delay.After = cfg.Outbox(), cfg.WriteDelay
	s.sessions = resume.NewStore(s.totals)
	s.unauthenticated = limit.NewUnauthenticated(cfg.Unauthenticated, cfg.UnauthenticatedPerAddress)
	s.recorder = recorder.New(cfg.Recorder, cfg.RecorderBytes)
	s.system = mailbox.NewSystem(s.log, s.wheel, s.totals.Restarted)
	s.supervise.tenant = s.system.Supervisor("tenant", true)
	s.supervise.user = s.system.Supervisor("user", true)
	s.supervise.topic = s.system.Supervisor("topic", true)
	s.supervise.connection = s.system.Supervisor("connection", false)
	s.supervise.lifecycle = s.system.Supervisor("lifecycle", true)
}

// dropped counts something that was refused. A question drops nothing.
func (s *services) dropped(reason protocol.Reason, asked *decision.Record) {
	if asked == nil {
		s.totals.Dropped(reason, 1)
	}
}

// Recorder keeps how connections ended, and what was refused.
func (s *services) Recorder() *recorder.Recorder { return s.recorder }

// now is the time by Config.Clock. Times that are compared stay as the clock returned them: Round, Unix or a way to the
// disk strips the monotonic reading, and then a wall clock that someone sets would decide what is old.
func (s *services) now() time.Time { return s.cfg.Clock() }

// eventWhen says when an event wakes a transport that sleeps, or that faults are injected.
func (s *services) eventWhen(born int64) outbox.When {
	if s.faults.Any() {
		return outbox.Injected
	}
	return s.cfg.EventWhen(born)
}

// Draining reports whether the node admits no connection any more.
func (s *services) Draining() bool { return s.admission.Closed() }

// Opening is a store that is being opened (durable.Opening).
type Opening interface {
	// Refusal says why durable topics cannot be used yet. It does not block.
	Refusal() *protocol.Refusal
}

// durableStore is the store of durable topics, or why it cannot be used yet; both are nil if durable topics are in
// memory.
func (s *services) durableStore() (*durable.Store, *protocol.Refusal) {
	if store := s.store.Load(); store != nil {
		return store, nil
	}
	if opening := s.awaited.Load(); opening != nil {
		return nil, (*opening).Refusal()
	}
	return nil, nil
}
