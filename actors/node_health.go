package actors

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/actors/canary"
	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
)

// Health reports what is wrong. It does not block.
func (n *Node) Health() Health {
	return Health{Pressure: n.watermark.Pressure(), Stuck: n.watchdog.Stuck(), Storage: n.storage()}
}

// watchedTenants are the node's tenants, as its watchdog sees them.
type watchedTenants struct{ *tenants }

// EachMailbox calls tenant for each tenant, and then look for each of its actors.
func (w watchedTenants) EachMailbox(tenant func(string), look func(health.Kind, string, string, *mailbox.Mailbox)) {
	for name, t := range w.all() {
		tenant(name)
		look(health.Tenant, name, name, &t.box)
		if l := t.lifecycle.Load(); l != nil {
			look(health.Lifecycle, name, name, l.Box())
		}
		t.users.Each(func(user string, box *mailbox.Mailbox) bool { look(health.User, name, user, box); return true })
		t.topics.Each(func(topic string, box *mailbox.Mailbox) bool {
			look(health.Topic, name, topic, box)
			return true
		})
		for _, l := range t.links.All() {
			look(health.Connection, name, "", &l.box)
		}
	}
}

// ConnectionID is the id of the connection that has this mailbox; "" if it has ended.
func (w watchedTenants) ConnectionID(tenant string, box *mailbox.Mailbox) (id string) {
	if t := w.tenant(tenant); t != nil {
		for _, l := range t.links.All() {
			if &l.box == box {
				return l.ID()
			}
		}
	}
	return ""
}

// sheddable are the node's tenants, as its watermark sees them.
type sheddable struct{ *tenants }

// TrimHistories asks the topics in memory to forget the older half of their histories, and returns how many topics it
// asked. It does not wait for them.
func (s sheddable) TrimHistories() (count int) {
	for name, t := range s.all() {
		if name == canaryTenant {
			continue
		}
		t.topics.Each(func(_ string, box *mailbox.Mailbox) bool {
			box.Send(trimHistory{})
			count++
			return true
		})
	}
	return count
}

// DropWaiting drops the waiting frames that their policies allow to lose, and returns how many.
func (s sheddable) DropWaiting() (count int) {
	for _, l := range s.allConns() {
		count += l.outbox.Shed()
	}
	return count
}

// EachReader calls read for each connection for which bytes wait and that is not ended as slow yet. end ends it, and
// reports false if somebody else has.
func (s sheddable) EachReader(read func(waiting int64, end func() bool)) {
	for _, l := range s.allConns() {
		if waiting := l.outbox.Stats().QueuedBytes; waiting > 0 && !l.flags.has(isSlow) {
			read(int64(waiting), func() bool { return endSlow(l) })
		}
	}
}

// Probe proves that events get through: it sends an event through topic, user, outbox and transport in each shard of
// the registries, and tries what AddProbe added. It blocks until all got through or ctx ends, and returns how long the
// slowest took. The error is a health.Lost, or a protocol.Refusal of Draining if the node ends.
func (n *Node) Probe(ctx context.Context) (slowest time.Duration, err error) {
	return n.probes.Probe(ctx)
}

// AddProbe has Probe try one more way; see health.Probes.
func (n *Node) AddProbe(name string, try func(context.Context) error) { n.probes.AddProbe(name, try) }

// newCanaries connects one canary for each shard of the topics, with a user in the same shard of the users, and adds
// their probes. Their events are not in the metrics.
func newCanaries(n *Node) []*canary.Canary {
	n.SetTenant(TenantConfig{Name: canaryTenant})
	t := n.tenant(canaryTenant)
	all := canary.All(canary.Host{
		Topics: t.topics.NamePerShard("canary"), Users: t.users.NamePerShard("canary"), AddProbe: n.AddProbe,
		ToTopic: func(name string, p *fanout.Delivery) { t.topic(name, publish{p}) },
		ToUser:  func(name string, p *fanout.Delivery) { t.user(name, publish{p}) },
		Connect: func(c *canary.Canary) *protocol.Refusal {
			_, err := n.Connect(ConnectOptions{
				Tenant: canaryTenant, Dialect: canary.Dialect{}, Session: c.Session(), Identity: c.Identity(),
			}, func(l *Conn) outbox.Transport { return c.Attach(l) })
			return err
		},
	})
	for _, l := range t.conns() { // its subscription is made when it answers
		_, _ = l.info(context.Background())
	}
	return all
}

// Totals returns the part of Metrics for which it need not look at connections and topics. It does not block.
func (n *Node) Totals() Metrics {
	f := Metrics{
		Latency: n.outboxes.Latency.Snapshot(), Backlog: n.backlog.Bytes(), Batched: n.backlog.Batched(),
		Sums: n.totals.Snapshot(), Pressure: n.watermark.Pressure(), Storage: n.storage(),
		Stuck: n.watchdog.StuckByKind(), EverStuck: n.watchdog.EverStuckByKind(),
		Recorder: n.recorder.Metrics(),
	}
	f.SuspendedSessions, f.SuspendedSessionBytes = n.sessions.Stats()
	for _, name := range n.Tenants() {
		if t := n.tenant(name); t != nil {
			f.Stale(t.backlog.Lost.Load())
		}
	}
	return f
}

// Metrics takes a snapshot. It looks at every connection, so it is for a scrape and not for a loop. It waits for no
// actor.
func (n *Node) Metrics() Metrics {
	f := n.Totals()
	f.Tenants, f.Lifecycles = map[string]stats.Tenant{}, map[string]stats.Lifecycle{}
	for _, name := range n.Tenants() {
		if t := n.tenant(name); t != nil {
			f.Tenants[name] = t.stats()
			f.Topics += t.topicCount()
			if l := t.lifecycle.Load(); l != nil {
				f.Lifecycles[name] = l.Stats()
			}
		}
	}
	return f
}
