package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
)

// registration is a connection's membership with its user and with the broadcast topic. It belongs to the connection's
// actor, and knows neither its session nor its subscriptions.
type registration struct {
	joined  bool // it is registered with its user and with the broadcast topic
	present bool // its tenant's lifecycle knows of it, or would if it were on
	awaited bool // it counts as not authenticated (limit/unauthenticated.go)
	proxied bool // its address is that of many clients
}

// join registers the connection with its user and with the broadcast topic.
func (r *registration) join(l *Conn, limits *limit.Connection, id *protocol.Identity) *protocol.Refusal {
	now := time.Now()
	if err := l.post.Load().admitLogin(id, now, nil); err != nil {
		return err
	}
	if id.User != "" {
		limits.Refund(l.dialect(), l.remote, now)
		l.outbox.Hold() // the session's welcome comes before all events
		if err := r.meet(l, id); err != nil {
			return err
		}
	}
	l.outbox.Hold()
	l.post.Load().authenticated.Add(1)
	r.joined = true
	r.loggedIn(l)
	l.identity.Store(id)
	all := wish{topic: broadcastTopic}
	if err := (topicClient{l}).attach(fanout.FiltersForProjection(l.view()), &all); err != nil {
		l.resume.GiveUp(l.node.totals)
		r.leave(l)
		l.identity.Store(nil)
		return err
	}
	if l.resume != nil {
		l.resume.Broadcast = all.got.at
	}
	r.connected(l)
	return nil
}

// signsIn reports whether a connection that was nobody's becomes a user's, for which one app stands behind both.
func (r *registration) signsIn(l *Conn, id *protocol.Identity) bool {
	before := l.identity.Load()
	return r.joined && before.User == "" && id.User != "" && before.Key == id.Key &&
		id.Key != protocol.KeyFingerprint{}
}

// isAnothers reports whether the connection belongs to another user than id, or to another tenant.
func (r *registration) isAnothers(l *Conn, id *protocol.Identity) bool {
	return r.joined && !r.signsIn(l, id) &&
		(l.user() != id.User || id.Tenant != "" && id.Tenant != l.tenant().name)
}

// signIn registers a connection that was nobody's with its user; for others it does nothing.
func (r *registration) signIn(l *Conn, id *protocol.Identity) *protocol.Refusal {
	if !r.signsIn(l, id) {
		return nil
	}
	if err := l.post.Load().admitLogin(id, time.Now(), nil); err != nil {
		return err
	}
	l.outbox.Hold()
	return r.meet(l, id)
}

// meet registers the connection with its user. If its client still has another connection, that one goes first: so the
// user's events are for one of them at a time, or wait in the suspended session. The session is resumed after the new
// connection's welcome.
func (r *registration) meet(l *Conn, id *protocol.Identity) *protocol.Refusal {
	ctx, done := l.step()
	defer done()
	wish := join{link: l, limit: l.dialect().Limits().PerUser, mayResume: l.resume != nil && !id.Unverified}
	for {
		wish.Reply = mailbox.NewReply[resumeOffer]()
		l.tenant().user(id.User, wish)
		back, err := wish.Reply.Wait(ctx)
		if err != nil || back.duplicate == nil {
			if l.resume != nil {
				l.resume.Resume(back.session)
			}
			return err
		}
		gone := mailbox.NewReply[struct{}]()
		back.duplicate.box.SendUnbounded(takeOver{gone})
		gone.Wait(ctx) // a refusal says that it has ended by itself
		wish.duplicateTold = true
	}
}

// leave unregisters the connection from its user and from the broadcast topic; it gets no frame that is offered from
// now on.
func (r *registration) leave(l *Conn) {
	if !r.joined {
		return
	}
	r.joined = false
	l.post.Load().authenticated.Add(-1)
	l.tenant().topics.SendUnbounded(broadcastTopic, unsubscribe{link: l})
	if id := l.identity.Load(); id != nil && id.User != "" {
		l.tenant().users.SendUnbounded(id.User, detach{link: l})
	}
}

// setView sets the projection for events to the connection's user and broadcasts. If the broadcast topic refuses it,
// the connection has to end.
func (r *registration) setView(l *Conn, v protocol.Projection) (broken *protocol.Refusal) {
	l.projection.Store(&v)
	if !r.joined {
		return nil
	}
	return topicClient{l}.attach(fanout.FiltersForProjection(v), &wish{topic: broadcastTopic})
}

// announce sends a topic the news that a member of it is alive.
func (r *registration) announce(l *Conn, cmd protocol.Announce) {
	if protocol.CheckTopic(cmd.Topic) == nil && !protocol.Reserved(cmd.Topic) && r.joined {
		l.tenant().topic(cmd.Topic, announce{cmd.Member, slices.Clone(cmd.Data), cmd.For, l})
	}
}

// resumable reports whether the connection would leave a suspended session if it broke now.
func (r *registration) resumable(l *Conn) bool { return r.joined && l.Resumable() }

// mayReturn reports whether the connection leaves a suspended session when it ends for this reason, and not by the
// server.
func (r *registration) mayReturn(l *Conn, reason protocol.Reason) bool {
	return (reason == protocol.Lost || reason == protocol.Silent) && r.resumable(l)
}

// emits reports whether the connection has lifecycle events: it is connected to its user, and its tenant's lifecycle is
// on.
func (r *registration) emits(l *Conn) bool { return r.present && l.tenant().lifecycle.Load() != nil }

// emit emits a lifecycle event of the connection.
func (r *registration) emit(l *Conn, news protocol.Lifecycle) {
	if r.emits(l) {
		news.User, news.Connection, news.Dialect = l.user(), l.ID(), l.dialect().Name()
		l.tenant().emit(news)
	}
}

// connected emits that the connection has joined its user.
func (r *registration) connected(l *Conn) {
	r.present = true
	r.emit(l, protocol.Lifecycle{Type: protocol.Connected})
}

// disconnected emits that the connection has ended. It is called before the connection leaves its user, so that the
// user goes offline after that. Only the first ending counts.
func (r *registration) disconnected(l *Conn, end recorder.Close) {
	recording{l}.decide(end)
	if r.emits(l) {
		now, reason, code, byServer := l.stats(time.Now()), end.Reason, end.Code, end.By == recorder.Server
		if code == 0 {
			code = reason.CloseCode()
		}
		r.emit(l, protocol.Lifecycle{Type: protocol.Disconnection, Left: &protocol.Leaving{
			Reason: reason, Code: code, ByServer: byServer, Lingers: !byServer && r.mayReturn(l, reason),
			Lasted: now.Lifetime, Received: now.MessagesReceived, Sent: now.MessagesSent,
		}})
	}
	r.present = false
}

// subscribed emits to which topics the connection is subscribed from now on.
func (r *registration) subscribed(l *Conn, restored bool, topics ...string) {
	for _, topic := range topics {
		r.emit(l, protocol.Lifecycle{Type: protocol.Subscribed, Topic: topic, Restored: restored})
	}
}

// unsubscribed emits which of the topics that the connection wanted before it does not want now.
func (r *registration) unsubscribed(l *Conn, before []string, now fanout.Subscriptions) {
	for _, topic := range before {
		if _, still := now.Find(topic); !still {
			r.emit(l, protocol.Lifecycle{Type: protocol.Unsubscribed, Topic: topic})
		}
	}
}

// await counts the connection among those that have not authenticated yet, or returns why there is no room for it.
func (r *registration) await(l *Conn, proxied bool) *protocol.Refusal {
	r.proxied = proxied
	err := l.node.unauthenticated.Take(l.remote, proxied)
	r.awaited = err == nil
	return err
}

// known takes the connection off that count, if it is on it.
func (r *registration) loggedIn(l *Conn) {
	if r.awaited {
		r.awaited = false
		l.node.unauthenticated.Leave(l.remote, r.proxied)
	}
}
