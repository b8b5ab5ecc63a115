package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/inbox"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// These are the messages of a user, beside publish, idleTimeout and expireSessions.
type (
	// join adds a connection. It is refused if the user has too many of its dialect, and put off while its client still
	// has another connection (resumeOffer.duplicate).
	join struct {
		link          *Conn
		limit         int  // on the user's connections of this dialect; 0 is none
		mayResume     bool // it may have the session that its client left: it has proved its identity
		duplicateTold bool // the duplicate connection was asked to go, and is not waited for any more
		mailbox.Reply[resumeOffer]
	}
	// detach removes a connection and keeps the session that it may leave; an unknown connection is ignored.
	detach struct {
		link    *Conn
		session *resume.Session // nil for none
	}
	// disconnectAll ends all connections and answers how many.
	disconnectAll struct {
		end endConnection
		mailbox.Reply[int]
	}
	// listConns answers with the user's connections.
	listConns struct{ mailbox.Reply[[]*Conn] }
	// mayJoin answers whether one more connection of a dialect might join.
	mayJoin struct {
		dialect protocol.Dialect
		mailbox.Reply[*decision.Record]
	}
	// idleAgain repeats an idle check that other messages were in the way of.
	idleAgain struct{}
)

// user is the actor: one identity with all its connections. Only the actor touches its fields, except for the mailbox.
type user struct {
	tenant    *tenantCore
	name      string
	box       mailbox.Mailbox
	links     []*Conn // in the order in which they joined
	dedup     fanout.Dedup
	inbox     *inbox.Inbox      // nil if nothing waits
	suspended []*resume.Session // of clients that may come back, oldest first
	// idleAt and expireAt are when the wheel is going to send idleTimeout and expireSessions, as timer.Wheel.Since
	// measures it; 0 is not at all.
	idleAt, expireAt int64
	// idleQueued says that idleAgain is in the mailbox.
	idleQueued bool
}

func newUser(t *tenantCore, name string) *mailbox.Mailbox {
	u := &user{tenant: t, name: name}
	u.box.Init(t.node.cfg.MailboxSize)
	t.node.supervise.user.Spawn(u, &u.box)
	return &u.box
}

func (u *user) node() *services { return u.tenant.node }

// Fire is the user's idle timer.
func (u *user) Fire() { u.box.SendUnbounded(idleTimeout{}) }

// Receive handles one message.
func (u *user) Receive(ctx mailbox.Context) {
	switch m := ctx.Message().(type) {
	case publish:
		u.publish(m.delivery)
		u.idle(ctx) // it may have been made for this event alone
	case join:
		back, err := u.join(m)
		if !m.Reply.Give(back, err) { // the connection did not wait so long
			u.leave(m.link)
			u.giveUp(protocol.Busy, back.session)
		}
		u.idle(ctx)
	case detach:
		u.leave(m.link)
		u.suspend(m.link, m.session)
		u.idle(ctx)
	case expireSessions:
		u.expireSessions(u.node().now())
		u.idle(ctx)
	case disconnectAll:
		m.Reply.Give(u.disconnectAll(m.end), nil)
	case listConns:
		m.Reply.Give(append([]*Conn(nil), u.links...), nil)
	case mayJoin:
		asked := &decision.Record{}
		m.Reply.Give(asked, u.admits(m.dialect, m.dialect.Limits().PerUser, nil, asked))
	case interface{ askUser(*user) }: // see may_deliver.go
		m.askUser(u)
	case idleTimeout:
		u.idle(ctx)
	case idleAgain:
		u.idleQueued = false
		u.idle(ctx)
	case crash:
		panic(m.cause)
	case *mailbox.Stopped:
		if len(u.links) > 0 {
			u.online(false)
		}
		u.forgetSessions()
		u.box.Close(errGone)
		u.node().system.Done()
	}
}

func (u *user) publish(p *fanout.Delivery) {
	if first := u.dedup.Known(u.node().cfg.DedupCount, u.node().cfg.DedupAge, p, u.node().now()); first != nil {
		if first.Failed() { // for another user
			p.Result.Answer(0)
		} else {
			p.Result.Repeats(first)
		}
		return
	}
	delivered, there := u.deliver(p)
	if p.Born != 0 { // a canary's event does not count
		u.node().totals.Delivered.Add(uint64(delivered))
	}
	u.dedup.Done(p)
	u.missed(p, there)
	u.queue(p, there)
	p.Result.Answer(delivered)
}

// deliver gives an event to the user's connections. there says that the user has a connection: of those whose socket
// has ended, some may not have left yet.
func (u *user) deliver(p *fanout.Delivery) (delivered int, there bool) {
	for _, l := range u.links {
		var f *outbox.Frame
		if l.number() != p.Exclude || p.Exclude == 0 {
			f = p.Frame(u.node().encoder, l.dialect(), protocol.Delivery{Event: p.Event, View: l.view()})
		}
		switch {
		case f != nil && l.send(f):
			delivered++
			there = true
		case l.outbox.Stats().Closed:
			l.resume.Late(f)
		default:
			there = true
		}
	}
	return delivered, there
}

func (u *user) join(m join) (resumeOffer, *protocol.Refusal) {
	var existing *Conn
	if m.mayResume && !m.duplicateTold {
		existing = u.duplicateOf(m.link)
	}
	if err := u.admits(m.link.dialect(), m.limit, existing, nil); err != nil {
		return resumeOffer{}, err
	}
	if existing != nil {
		return resumeOffer{duplicate: existing}, nil
	}
	if u.links = append(u.links, m.link); len(u.links) == 1 {
		u.online(true)
	}
	u.collect(m.link)
	if !m.mayResume {
		return resumeOffer{}, nil
	}
	return resumeOffer{session: u.claim(m.link)}, nil
}

// admits says whether there is room for one more connection of a dialect, without an existing one that goes; nil
// admits. limit 0 is none.
func (u *user) admits(d protocol.Dialect, limit int, existing *Conn, asked *decision.Record) *protocol.Refusal {
	count := 0
	for _, l := range u.links {
		if l.dialect() == d && l != existing {
			count++
		}
	}
	if asked.Number(decision.UserConnections, limit, limit <= 0 || count < limit) {
		return nil
	}
	return protocol.Refuse(protocol.TooMany,
		"the user has %d connections, which is the limit for one user (connections_per_user)", count)
}

func (u *user) leave(l *Conn) {
	for i, known := range u.links {
		if known == l {
			if u.links = append(u.links[:i:i], u.links[i+1:]...); len(u.links) == 0 {
				u.online(false)
			}
			return
		}
	}
}

// part ends all connections, forgets the suspended sessions, and returns how many connections there were.
func (u *user) disconnectAll(err endConnection) int {
	u.forgetSessions()
	for _, l := range u.links {
		l.box.SendUnbounded(err)
	}
	return len(u.links)
}

// idle stops the user when it has no connection and no suspended session, no event id that it would have to recognise,
// and nothing in its inbox.
func (u *user) idle(ctx mailbox.Context) {
	if len(u.links) > 0 || len(u.suspended) > 0 {
		return
	}
	now, cfg, wheel := u.node().now(), &u.node().cfg, u.node().wheel
	if u.idleAt > wheel.Since(now) { // a timer is running
		return
	}
	u.dedup.Expire(cfg.DedupAge, now)
	u.clear(now)
	if u.dedup.Active() || u.inbox != nil {
		at := now.Add(cfg.DedupAge)
		if u.inbox != nil {
			at = u.inbox.Next()
		}
		u.idleAt = wheel.Since(at)
		wheel.Schedule(at, u)
		return
	}
	if u.tenant.users.Remove(u.name, &u.box) {
		ctx.Stop(ctx.Self())
		return
	}
	if !u.idleQueued {
		u.idleQueued = true
		u.box.SendUnbounded(idleAgain{})
	}
}

// online emits that the user has its first connection, or with false that it lost its last.
func (u *user) online(is bool) {
	news := protocol.Lifecycle{Type: protocol.UserOffline, User: u.name}
	if is {
		news.Type = protocol.UserOnline
	}
	u.tenant.emit(news)
}

// queue puts an event into the inbox of a user who is not there.
func (u *user) queue(p *fanout.Delivery, there bool) {
	if there {
		return
	}
	if !u.tenant.waits(p.Event) {
		u.tenant.turnAway(p.Event)
		return
	}
	if u.inbox == nil {
		u.inbox = u.tenant.inboxes.Open()
	}
	u.node().totals.Dropped(protocol.Stale, u.inbox.Put(p.Event, u.node().now()))
}

// clear forgets the events that have waited too long.
func (u *user) clear(now time.Time) {
	if u.inbox == nil {
		return
	}
	u.node().totals.Dropped(protocol.Stale, u.inbox.Expire(now))
	if u.inbox.Empty() {
		u.inbox.Close()
		u.inbox = nil
	}
}

// collect gives a connection the events that waited, if its dialect has an inbox. Those that its outbox does not take,
// since it is closed or full, wait on.
func (u *user) collect(l *Conn) {
	now := u.node().now()
	u.clear(now)
	if u.inbox == nil || !l.dialect().Limits().Inbox {
		return
	}
	u.inbox.Deliver(func(ev *protocol.Event) (taken bool) {
		to := protocol.Delivery{Event: ev, View: l.view()}
		f := u.node().encoder.Encode(l.dialect(), to, now.UnixNano())
		if taken = f == nil || l.send(f); taken {
			u.node().totals.Delivered.Add(1)
		}
		return taken
	})
	u.clear(now)
}
