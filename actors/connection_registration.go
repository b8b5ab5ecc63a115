package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

// registration is that a connection is one of its user's and of everyone's. It belongs to the connection's actor, and knows
// neither its session nor its subscriptions.
type registration struct {
	joined  bool // it is with its user and with everyone
	present bool // its tenant's lifecycle knows of it, or would if there were one (telling.go)
	awaited bool // it counts as one that has not said who it is (unauthenticated.go)
	proxied bool // its address is that of many clients
}

// join brings the connection to its user and to the topic of everyone.
func (m *registration) join(l *Conn, limits *limit.Connection, id *protocol.Identity) *protocol.Refusal {
	tenant, dialect := l.tenant(), l.dialect()
	now := time.Now()
	if isInternal(tenant.name) && tenant.name != canaryTenant {
		return protocol.Refuse(protocol.Forbidden, "the token is of no tenant that is served here")
	}
	if id.User != "" {
		if why := tenant.limits.AdmitUser(dialect, id.User, now); why != nil {
			l.node.dropped(why.Reason, 1)
			return why
		}
		limits.Refund(dialect, l.remote, now)
		l.outbox.Hold() // what the session says to its coming comes before all events
		if why := m.meet(l, id); why != nil {
			return why
		}
	}
	l.outbox.Hold()
	l.post.Load().authenticated.Add(1)
	m.joined = true
	m.known(l)
	l.identity.Store(id)
	got, why := l.attach(broadcastTopic, fanout.Projecting(l.view()), protocol.Position{}, false)
	if why != nil {
		l.resume.GiveUp(&l.node.totals)
		m.leave(l)
		l.identity.Store(nil)
		return why
	}
	if l.resume != nil {
		l.resume.Broadcast = got.at
	}
	m.connected(l)
	return nil
}

// meet brings the connection to its user. A connection that its client still has goes first: so the user's events are
// for one of them at a time, or wait in the record. What the client left is restored when the session has welcomed it.
func (m *registration) meet(l *Conn, id *protocol.Identity) *protocol.Refusal {
	ctx, done := l.step()
	defer done()
	wish := join{link: l, limit: l.dialect().Limits().PerUser, mayResume: l.resume != nil && !id.Unverified}
	for {
		wish.reply = mailbox.NewReply[resumeOffer]()
		l.tenant().user(id.User, wish)
		back, why := wish.reply.Wait(ctx)
		if why != nil || back.duplicate == nil {
			if l.resume != nil {
				l.resume.Resume(back.session)
			}
			return why
		}
		gone := mailbox.NewReply[struct{}]()
		back.duplicate.box.SendUnbounded(takeOver{gone})
		gone.Wait(ctx) // a refusal says that it has ended by itself
		wish.rivalTold = true
	}
}

// leave takes the connection out of its user and of everyone; what is offered from now on is not for it.
func (m *registration) leave(l *Conn) {
	if !m.joined {
		return
	}
	m.joined = false
	l.post.Load().authenticated.Add(-1)
	l.tenant().topics.SendUnbounded(broadcastTopic, unsubscribe{link: l})
	if id := l.identity.Load(); id != nil && id.User != "" {
		l.tenant().users.SendUnbounded(id.User, detach{link: l})
	}
}

// heed says what is left of events to the connection's user and to everyone. If the topic of everyone does not take
// that, the connection has to end.
func (m *registration) setView(l *Conn, v protocol.Projection) (broken *protocol.Refusal) {
	l.projection.Store(&v)
	if !m.joined {
		return nil
	}
	_, broken = l.attach(broadcastTopic, fanout.Projecting(v), protocol.Position{}, false)
	return broken
}

// attend tells a topic that a member of it is alive.
func (m *registration) announce(l *Conn, cmd protocol.Announce) {
	if protocol.CheckTopic(cmd.Topic) == nil && !protocol.Reserved(cmd.Topic) && m.joined {
		l.tenant().topic(cmd.Topic, announce{cmd.Member, slices.Clone(cmd.Data), cmd.For, l})
	}
}

// lingers reports whether the connection leaves a record when it breaks now.
func (m *registration) resumable(l *Conn) bool { return m.joined && l.Resumable() }

// mayReturn reports whether the connection leaves a record when it ends for this reason, and not by us.
func (m *registration) mayReturn(l *Conn, why protocol.Reason) bool {
	return (why == protocol.Lost || why == protocol.Silent) && m.resumable(l)
}
