package actors

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/policy"
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

// Node is the front door: the engine as transports and embedding programs see it. All methods may be called from many
// goroutines at once. No PID, mailbox or message leaves this package.
//
// Its parts without a field name are faces of it: what they export, it does. Each knows what it holds, and not the node.
type Node struct {
	// Static after New.
	cfg       Config
	log       *slog.Logger
	auth      Authenticator
	rights    Authorizer // nil if identities alone say what is allowed
	system    *mailbox.System
	wheel     *timer.Wheel
	backlog   *outbox.Backpressure
	outboxes  outbox.Shared
	supervise struct{ tenant, user, topic, connection, lifecycle *mailbox.Supervisor }
	canaries  []*canary
	sessions  *resume.Store // of clients that may come back
	watermark *health.Watermark
	watchdog  *health.Watchdog

	unauthenticated *limit.Unauthenticated

	tenants                 // by name (tenants.go)
	admission               // where connections come in (gate.go)
	totals                  // of what passes (counters.go)
	probes    health.Probes // of the ways through it
	inspector               // what it may be asked (query.go)
	admin                   // what may be done to one tenant (operator.go)

	durability policy.Durability // which topics the store is told to have

	numbers atomic.Uint64 // of connections
	closed  atomic.Bool
	resumes atomic.Bool                   // in some tenant
	store   atomic.Pointer[durable.Store] // nil while there is none
	awaited atomic.Pointer[Opening]       // nil while none is awaited; it is not asked when there is a store
	timers  timer.Pool                    // of publishes

	lifecycles sync.WaitGroup // that have not stopped; no other actors
}

// New starts a node with its tenants. Close ends it.
func New(cfg Config, auth Authenticator, tenants ...TenantConfig) *Node {
	cfg = cfg.withDefaults()
	n := &Node{cfg: cfg, log: cfg.Logger, auth: auth, wheel: timer.NewWheel(), backlog: outbox.NewBackpressure(cfg.Backlog), outboxes: outbox.Shared{Limits: cfg.outbox()}, totals: newTotals()}
	n.rights, _ = auth.(Authorizer)
	n.sessions = resume.NewStore(&n.totals)
	n.unauthenticated = limit.NewUnauthenticated(cfg.Unauthenticated, cfg.UnauthenticatedPerAddress)
	n.system = mailbox.NewSystem(n.log, n.wheel, n.totals.restarted)
	n.supervise.tenant = n.system.Supervisor("tenant", true)
	n.supervise.user = n.system.Supervisor("user", true)
	n.supervise.topic = n.system.Supervisor("topic", true)
	n.supervise.connection = n.system.Supervisor("connection", false)
	n.supervise.lifecycle = n.system.Supervisor("lifecycle", true)
	n.inspector = inspector{&n.tenants}
	n.admin = admin{tenants: &n.tenants, gate: &n.admission, sessions: n.sessions, system: n.system}
	n.admin.revoker, _ = auth.(revoker)
	n.watermark = health.NewWatermark(sheddable{&n.tenants}, cfg.Memory, n.log, n.wheel)
	n.SetTenants(tenants...)
	n.canaries = newCanaries(n)
	n.numbers.Store(0) // the first client is ws-1
	n.watermark.Start()
	n.watchdog = health.StartWatchdog(watchedTenants{&n.tenants}, cfg.StuckAfter, n.log, n.wheel)
	n.AddProbe("the directories", n.watchdog.Probe)
	return n
}

// SetTenant adds a tenant, or gives one that is known other limits. If its rules change which topics are durable it
// waits for the store.
func (n *Node) SetTenant(cfg TenantConfig) { n.SetTenants(cfg) }

// SetTenants is SetTenant for some at once; the store is told once.
func (n *Node) SetTenants(all ...TenantConfig) {
	rules := make(map[string]policy.Rules, len(all))
	for _, cfg := range all {
		rules[cfg.Name] = cfg.Rules
	}
	if err := n.durability.Note(rules); err != nil {
		n.log.Error("the store could not take note of the rules; readers of topics that change between disk and memory may miss events until the next start",
			"cause", err)
	}
	for _, cfg := range all {
		known := n.tenants.add(cfg.Name, func() *tenantCore {
			if n.closed.Load() {
				return nil
			}
			return newTenant(n, cfg)
		})
		if known != nil {
			known.box.SendUnbounded(configure{cfg})
		}
	}
}

// Admit says whether one more connection may come in, before its socket is upgraded: limits of the tenant, of the
// dialect and of the address, and whether the node is draining. nil admits. It counts a connect of the address.
func (n *Node) Admit(tenant string, d protocol.Dialect, remote string) *protocol.Refusal {
	t, why := n.lookup(tenant)
	if why != nil {
		return why
	}
	at := t.placement(d)
	if why := at.admits(t.connections.Load(), at.active.Load()); why != nil {
		return why
	}
	if why := t.limits.AdmitConnect(d, remote, time.Now()); why != nil {
		n.dropped(why.Reason, 1)
		return why
	}
	return nil
}

// Connect makes the actor of a connection whose socket was upgraded. open is called once, with the link, before
// anything can be written, and returns the wire. Then the session is opened. Each Connect that succeeds is owed one
// Conn.Gone.
func (n *Node) Connect(d ConnectOptions, open func(*Conn) outbox.Transport) (*Conn, *protocol.Refusal) {
	t, why := n.lookup(d.Tenant)
	if why != nil {
		return nil, why
	}
	c := &connection{session: d.Session, limits: limit.NewConnection(t.limits)}
	l := &c.Conn
	l.node, l.remote, l.began = n, d.Remote, n.wheel.Since(time.Now())
	l.post.Store(t.placement(d.Dialect))
	n.admission.enter()
	defer n.admission.leave()
	if d.Identity == nil {
		if why := c.registration.await(l, d.Proxied); why != nil {
			n.dropped(why.Reason, 1)
			return nil, why
		}
	}
	if why := l.post.Load().take(); why != nil {
		c.registration.known(l)
		return nil, why
	}
	t.total.Add(1)
	l.Heard()
	l.box.Init(n.cfg.MailboxSize)
	l.identity.Store(d.Identity)
	l.outbox.Init(&n.outboxes, n.numbers.Add(1))
	l.outbox.SetBackpressure(t.counting())
	if n.resumes.Load() {
		l.resume = resume.NewClient(d.Client)
		l.outbox.TrackInFlight()
	}
	l.outbox.Attach(open(l))
	t.links.add(l)
	n.supervise.connection.Spawn(c, &l.box)
	return l, nil
}

// newEpoch names one life of a topic. Epochs are never reused.
func newEpoch() string { return strings.Clone(rand.Text()[:12]) }
