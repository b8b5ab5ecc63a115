package actors

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/inbox"
	"github.com/parley-realtime/parley/actors/lifecycle"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/actors/shardmap"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// These are the messages of a tenant.
type (
	// toTopic hands a message to a topic that has to be made first.
	toTopic struct {
		name    string
		message any
	}
	// toUser hands a message to a user that has to be made first.
	toUser struct {
		name    string
		message any
	}
	// configure gives the tenant other settings.
	configure struct{ config TenantConfig }
)

func (m toTopic) Refuse(err *protocol.Refusal) { m.message.(mailbox.Refusable).Refuse(err) }
func (m toUser) Refuse(err *protocol.Refusal)  { m.message.(mailbox.Refusable).Refuse(err) }

// broadcastTopic is the topic to which every authenticated connection of a tenant is subscribed. No client and no
// publisher can name it.
const broadcastTopic = "\x00everyone"

// tenantCore is what a tenant keeps when its actor restarts. Its users, topics and connections go on meanwhile, and
// other goroutines may look them up in it.
type tenantCore struct {
	node      *services
	all       *tenants // of the node, including this one
	name      string
	box       mailbox.Mailbox
	topics    *mailbox.Registry
	users     *mailbox.Registry
	links     *shardmap.Map[*Conn]
	revoked   grant.Revocations
	keys      atomic.Pointer[func(protocol.KeyFingerprint) bool] // which signing keys are valid; nil is all
	rules     atomic.Pointer[policy.Set]                         // of its topics
	backlog   *outbox.Backpressure
	limits    *limit.Tenant
	inboxes   *inbox.Tenant                   // of its users
	lifecycle atomic.Pointer[lifecycle.Actor] // nil while it is off

	connections atomic.Int64 // open ones
	total       atomic.Int64 // connections that it ever had
	limit       atomic.Int64 // on open connections; 0 is none
	resumeAge   atomic.Int64 // how long a suspended session waits for its client, in nanoseconds
	suspended   atomic.Bool
	restarting  atomic.Bool
	topicsMade  atomic.Int64 // topics that exist and count, see counts

	turns [mailbox.Shards]sync.Mutex // by event id: see publishToUsers

	mu         sync.Mutex // guards placements
	placements map[protocol.Dialect]*placement
}

// tenant is the actor. It makes the users and topics of one tenant; finding them needs no actor.
type tenant struct{ *tenantCore }

func newTenant(n *services, all *tenants, cfg TenantConfig) *tenantCore {
	c := &tenantCore{
		node: n, all: all, name: cfg.Name, topics: mailbox.NewRegistry(), users: mailbox.NewRegistry(),
		links: &shardmap.Map[*Conn]{}, limits: limit.NewTenant(), backlog: n.backlog.Tenant(),
		inboxes:    inbox.NewTenant(inbox.Bounds{Count: n.cfg.InboxCount, Age: n.cfg.InboxAge}),
		placements: map[protocol.Dialect]*placement{},
	}
	c.box.Init(8 * n.cfg.MailboxSize)
	c.configure(cfg)
	n.supervise.tenant.Spawn(&tenant{c}, &c.box)
	return c
}

// policyOf is the policy of a topic, which may be that of all connections.
func policyOf(rules *policy.Set, topic string) *policy.Topic {
	if topic == broadcastTopic {
		return rules.Broadcast()
	}
	return rules.For(topic)
}

// configure applies other settings. Existing topics notice the new rules by themselves.
func (t *tenantCore) configure(cfg TenantConfig) {
	t.limit.Store(int64(cfg.Connections))
	t.setResumeAge(cfg.Linger)
	t.rules.Store(policy.NewSet(t.node.cfg.TopicDefaults(), cfg.Rules))
	t.limits.SetRates(cfg.Rates)
	t.setLifecycle(cfg.Lifecycle)
}

// Receive handles one message.
func (t *tenant) Receive(ctx mailbox.Context) {
	switch m := ctx.Message().(type) {
	case toTopic:
		t.toTopic(m)
	case toUser:
		t.users.SendOrSpawn(m.name, m.message, func() *mailbox.Mailbox { return newUser(t.tenantCore, m.name) })
	case configure:
		t.configure(m.config)
	case crash:
		panic(m.cause)
	case *mailbox.Stopped:
		t.box.Close(errGone)
		t.stopAll()
		t.node.system.Done()
	}
}

// counts reports whether a topic counts against the limit on the tenant's topics: those of the server's own do not.
func counts(topic string) bool { return topic != broadcastTopic && !protocol.Reserved(topic) }

func (t *tenant) toTopic(m toTopic) {
	if t.topics.SendUnbounded(m.name, m.message) {
		return
	}
	if err := t.admitsTopic(m.name, nil); err != nil {
		m.Refuse(err)
		return
	}
	t.topics.SendOrSpawn(m.name, m.message, func() *mailbox.Mailbox {
		if counts(m.name) {
			t.topicsMade.Add(1)
		}
		return newTopic(t.tenantCore, m.name)
	})
}

// admitsTopic says whether there is room for a topic that does not exist; nil admits.
func (t *tenantCore) admitsTopic(name string, asked *decision.Record) *protocol.Refusal {
	most := t.node.cfg.Topics
	if asked.Number(decision.Topics, most, t.topicsMade.Load() < int64(most) || !counts(name)) {
		return nil
	}
	return protocol.Refuse(protocol.TooMany, "the tenant has %d topics, which is the limit (topics)", most)
}

// topicCount is how many topics there are, without the broadcast topic.
func (t *tenantCore) topicCount() int {
	count := 0
	t.topics.Each(func(name string, _ *mailbox.Mailbox) bool {
		if name != broadcastTopic {
			count++
		}
		return true
	})
	return count
}

// setResumeAge sets how long the clients of broken connections may come back to their sessions: 0 is the node's time, a
// negative one is not at all.
func (t *tenantCore) setResumeAge(d time.Duration) {
	if d == 0 {
		d = t.node.cfg.Linger
	}
	t.resumeAge.Store(int64(max(d, 0)))
	if d > 0 {
		t.node.resumes.Store(true)
	}
}

// askTopic says whether a topic is there, or could be made.
func askTopic(t *tenantCore, name string, asked *decision.Record) *protocol.Refusal {
	rules := t.rules.Load()
	rules.Record(name, asked)
	if !t.topics.Has(name) {
		if err := t.admitsTopic(name, asked); err != nil {
			return err
		}
	}
	if rules.For(name).Store != policy.Durable {
		return nil
	}
	_, err := t.node.durableStore()
	asked.Step(decision.Store, err == nil)
	return err
}
