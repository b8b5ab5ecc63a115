package actors

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/canary"
	"github.com/parley-realtime/parley/actors/drain"
	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/actors/tap"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// Node is the front door: the engine as transports and embedding programs see it. All methods may be called from many
// goroutines at once. No PID, mailbox or message leaves this package.
//
// Its embedded parts are the calls that it offers, by topic. Each part holds what it needs, and does not know the node.
type Node struct {
	services // shared with its actors (services.go)

	// Static after New.
	canaries []*canary.Canary
	watchdog *health.Watchdog

	tenants                 // by name (tenants.go)
	probes    health.Probes // of the ways that an event takes through the node
	publisher               // publishes (publish.go)
	inspector               // read calls (inspect.go)
	admin                   // calls that change one tenant (admin.go)
	explainer               // calls that ask how the engine would decide (explain.go)

	durability policy.Durability // which topics the store has to keep

	numbers atomic.Uint64 // of connections
	closed  atomic.Bool
}

// New starts a node with its tenants. auth checks the credentials of connections; if it also has the methods of
// [Authorizer], or those that remember revocations, the node uses them. Close ends the node.
func New(cfg Config, auth Authenticator, tenants ...TenantConfig) *Node {
	n := &Node{}
	n.start(cfg, auth)
	n.publisher.services, n.publisher.tenants = &n.services, &n.tenants
	n.asClient = func(
		ctx context.Context, tenant, topic, exclude string, ev *protocol.Event,
	) (protocol.Position, error) {
		receipt, err := n.Publish(ctx, tenant, Target{Topic: topic, Exclude: exclude}, ev)
		return receipt.Position, err
	}
	n.inspector = inspector{&n.tenants}
	n.explainer = explainer{&n.services, &n.tenants}
	n.taps.Find, n.taps.Outboxes = n.tenants.source, &n.outboxes
	n.faults.Find, n.faults.Log, n.outboxes.Inject = n.tenants.source, n.log, n.faults.Offer
	n.admin = admin{tenants: &n.tenants, node: &n.services}
	n.admin.revoker, _ = auth.(revoker)
	n.watermark = health.NewWatermark(sheddable{&n.tenants}, n.cfg.Memory, n.log, n.wheel)
	n.SetTenants(tenants...)
	n.canaries = newCanaries(n)
	n.numbers.Store(0) // the first client is ws-1
	n.watermark.Start()
	n.watchdog = health.StartWatchdog(watchedTenants{&n.tenants}, n.cfg.StuckAfter, n.log, n.wheel)
	n.AddProbe("the directories", n.watchdog.Probe)
	return n
}

// SetTenant adds a tenant, or gives a known one other settings. If its rules change which topics are durable, it blocks
// until the store has noted that.
func (n *Node) SetTenant(cfg TenantConfig) { n.SetTenants(cfg) }

// SetTenants is SetTenant for several tenants at once; it informs the store once.
func (n *Node) SetTenants(all ...TenantConfig) {
	rules := make(map[string]policy.Rules, len(all))
	for _, cfg := range all {
		rules[cfg.Name] = cfg.Rules
	}
	if err := n.durability.Note(rules); err != nil {
		n.log.Error("the store could not take note of the rules; "+
			"readers of topics that change between disk and memory may miss events until the next start", "cause", err)
	}
	for _, cfg := range all {
		known := n.tenants.add(cfg.Name, func() *tenantCore {
			if n.closed.Load() {
				return nil
			}
			return newTenant(&n.services, &n.tenants, cfg)
		})
		if known != nil {
			known.box.SendUnbounded(configure{cfg})
		}
	}
}

// Admit says whether one more connection may come in, before its socket is upgraded: it checks the limits of the
// tenant, of the dialect and of the address, and whether the node is draining. nil admits. It counts a connect of the
// address, unless asked is not nil: then it records the rules. It does not block. remote is an address without port.
func (n *Node) Admit(
	tenant string, d protocol.Dialect, remote string, asked *decision.Record,
) *protocol.Refusal {
	t, err := n.lookup(tenant)
	if err != nil {
		return err
	}
	if err := n.faults.Refuse(tenant, d.Name(), asked); err != nil {
		return err
	}
	at := t.placement(d)
	if err := at.admits(t.connections.Load(), at.active.Load(), asked); err != nil {
		return err
	}
	if err := t.limits.AdmitConnect(d, remote, time.Now(), asked); err != nil {
		n.dropped(err.Reason, asked)
		return err
	}
	return nil
}

// Connect makes the actor of a connection whose socket was upgraded. It calls open once, with the Conn, before anything
// can be written; open returns the transport. Then the session is opened. It does not wait for the actor. The caller
// owes each successful Connect one Conn.Gone. The refusal is NotFound (tenant), Draining, Suspended, or Busy (limits,
// memory; with RetryAfter).
func (n *Node) Connect(d ConnectOptions, open func(*Conn) outbox.Transport) (*Conn, *protocol.Refusal) {
	t, err := n.lookup(d.Tenant)
	if err != nil {
		return nil, err
	}
	c := &connection{session: d.Session, limits: limit.NewConnection(t.limits)}
	l := &c.Conn
	l.node, l.remote, l.began = &n.services, d.Remote, n.wheel.Since(time.Now())
	l.post.Store(t.placement(d.Dialect))
	n.admission.Enter()
	defer n.admission.Leave()
	if d.Identity == nil {
		if err := c.registration.await(l, d.Proxied); err != nil {
			n.totals.Dropped(err.Reason, 1)
			return nil, err
		}
	}
	if err := l.post.Load().take(nil); err != nil {
		c.registration.loggedIn(l)
		return nil, err
	}
	t.total.Add(1)
	l.Begin(d.RequestID, d.Origin)
	l.Heard()
	l.box.Init(n.cfg.MailboxSize)
	l.identity.Store(d.Identity)
	if n.resumes.Load() {
		l.resume = resume.NewClient(d.Client)
	}
	l.outbox.Init(&n.outboxes, n.numbers.Add(1), l.resume != nil)
	l.outbox.SetBackpressure(t.counting())
	l.outbox.Attach(open(l))
	t.links.Set(l.number(), l)
	n.supervise.connection.Spawn(c, &l.box)
	return l, nil
}

// Drain admits no connection any more and closes all, in their dialects' words and in random order, at most drain.Rate
// of them a second, so that not all clients come to the next server at once; faster if ctx leaves less time than that.
// It blocks until all are gone, or until ctx ends; then it cuts off the rest and returns the error of ctx.
func (n *Node) Drain(ctx context.Context) error {
	n.admission.Close()
	all := n.allConns()
	err := drainAll(ctx, all, min(drain.Time(len(all)), drain.Within(ctx)))
	if refusal := n.tenants.flush(ctx); err == nil && refusal != nil {
		return ctx.Err()
	}
	return err
}

// Tap queues the frames of a connection by its id, of a user or of a topic, whichever is not "", until the caller
// closes the tap. Errors are protocol.Refusals: NotFound, Busy. It does not block.
func (n *Node) Tap(tenant, id, user, topic string) (*tap.Tap, error) {
	of := tap.Target{Tenant: tenant, User: user, Topic: topic}
	if _, err := n.lookup(tenant); err != nil {
		return nil, err
	}
	if id != "" {
		l, err := n.conn(tenant, id)
		if err != nil {
			return nil, err
		}
		of.Number = l.number()
	}
	return n.taps.Open(of)
}

// Close ends everything at once: all connections, actors and the wheel. It blocks until they have ended. A second call
// does nothing.
func (n *Node) Close() {
	if n.closed.Swap(true) {
		return
	}
	n.admission.Close()
	n.watermark.Stop()
	n.watchdog.Stop()
	n.faults.Close()
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

// AdmitUnauthenticated says whether a connection that shows no credential with its handshake may come in, before its
// socket is upgraded; nil admits. proxied says that remote is the address of many clients. Connect checks this again.
// It does not block.
func (n *Node) AdmitUnauthenticated(remote string, proxied bool, asked *decision.Record) *protocol.Refusal {
	err := n.unauthenticated.Admit(remote, proxied, asked)
	if err != nil {
		n.dropped(err.Reason, asked)
	}
	return err
}
