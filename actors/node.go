package actors

import (
	"crypto/rand"
	"strings"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// Node is the front door: the engine as transports and embedding programs see it. All methods may be called from many
// goroutines at once. No PID, mailbox or message leaves this package.
//
// Its parts without a field name are faces of it: what they export, it does. Each knows what it holds, and not the node.
type Node struct {
	services // what its actors need of it, too

	// Static after New.
	canaries []*canary
	watchdog *health.Watchdog

	tenants                 // by name (tenants.go)
	probes    health.Probes // of the ways through it
	inspector               // what it may be asked (inspect.go)
	admin                   // what may be done to one tenant (admin.go)

	durability policy.Durability // which topics the store is told to have

	numbers atomic.Uint64 // of connections
	closed  atomic.Bool
	timers  timer.Pool // of publishes
}

// New starts a node with its tenants. Close ends it.
func New(cfg Config, auth Authenticator, tenants ...TenantConfig) *Node {
	n := &Node{}
	n.start(cfg, auth)
	n.inspector = inspector{&n.tenants}
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
			return newTenant(&n.services, &n.tenants, cfg)
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
	l.node, l.remote, l.began = &n.services, d.Remote, n.wheel.Since(time.Now())
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
