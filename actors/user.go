package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/parley-realtime/parley/protocol"
)

// What a user understands, beside publish and rest.
type (
	// join adds a connection; it is refused if the user has too many of its dialect.
	join struct {
		link  *Link
		limit int // of connections of this dialect; 0 is none
		reply reply[returned]
	}
	// leave removes a connection and keeps the record that it may leave; unknown ones are ignored.
	leave struct {
		link   *Link
		record *record // nil for none
	}
	// part ends all connections and answers how many.
	part struct {
		end   end
		reply reply[int]
	}
	// gather answers with the user's connections.
	gather struct{ reply reply[[]*Link] }
	// restAgain is a rest that messages were in the way of.
	restAgain struct{}
)

func (m join) refuse(why *protocol.Refusal)   { m.reply.refuse(why) }
func (m part) refuse(why *protocol.Refusal)   { m.reply.refuse(why) }
func (m gather) refuse(why *protocol.Refusal) { m.reply.refuse(why) }

// user is the actor: one identity, wherever it is connected. It alone touches its fields, but for the mailbox.
type user struct {
	tenant *tenantCore
	name   string
	box    mailbox
	links  []*Link // in the order in which they joined
	dedup  dedup
	inbox  *inbox    // nil if nothing waits
	left   []*record // of connections that may come back, oldest first
	// restAt is when the wheel is going to send rest, as wheel.since tells it.
	restAt int64
	// again says that restAgain is in the mailbox.
	again bool
}

func (n *Node) newUser(t *tenantCore, name string) *mailbox {
	u := &user{tenant: t, name: name, box: mailbox{limit: int32(n.cfg.MailboxSize)}}
	n.supervise.user.spawn(u, &u.box)
	return &u.box
}

func (u *user) node() *Node { return u.tenant.node }

// ring is the user's idle deadline.
func (u *user) ring() { u.box.force(rest{}) }

// Receive is what the user does.
func (u *user) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case publish:
		u.publish(m.publication)
		u.rest(ctx) // it may have been made for this alone
	case join:
		back, why := u.join(m)
		if !m.reply.give(back, why) { // the connection did not wait so long
			u.leave(m.link)
			u.giveUp(protocol.Busy, back.record)
		}
		u.rest(ctx)
	case leave:
		u.leave(m.link)
		u.linger(m.link, m.record)
		u.rest(ctx)
	case reclaim:
		if rec := u.claim(m.link); !m.reply.give(returned{record: rec}, nil) {
			u.giveUp(protocol.Busy, rec)
		}
	case fade:
		u.fade(time.Now())
		u.rest(ctx)
	case part:
		m.reply.give(u.part(m.end), nil)
	case gather:
		m.reply.give(append([]*Link(nil), u.links...), nil)
	case rest:
		u.rest(ctx)
	case restAgain:
		u.again = false
		u.rest(ctx)
	case crash:
		panic(m.cause)
	case *actor.Stopped:
		u.forget()
		u.box.close(errGone)
		u.node().actors.Done()
	}
}

func (u *user) publish(p *publication) {
	if first := u.dedup.known(u.node().cfg.DedupCount, u.node().cfg.DedupAge, p, time.Now()); first != nil {
		if first.bad() { // for another user
			p.verdict.answered(0)
		} else {
			p.verdict.repeats(first)
		}
		return
	}
	delivered := 0
	for _, l := range u.links {
		if l.number == p.exclude && p.exclude != 0 {
			continue
		}
		if f := p.frame(u.node(), l.dialect(), l.view()); f != nil && l.send(f) {
			delivered++
		}
	}
	if p.born != 0 { // a canary's is no figure
		u.node().counters.delivered.Add(uint64(delivered))
	}
	u.dedup.done(p)
	u.unheard(p)
	u.keep(p)
	p.verdict.answered(delivered)
}

func (u *user) join(m join) (returned, *protocol.Refusal) {
	rival := u.rival(m.link)
	if m.limit > 0 {
		count := 0
		for _, l := range u.links {
			if l.dialect() == m.link.dialect() && l != rival {
				count++
			}
		}
		if count >= m.limit {
			return returned{}, protocol.Refuse(protocol.TooMany, "the user has %d connections, which is the limit for one user (connections_per_user)", count)
		}
	}
	u.links = append(u.links, m.link)
	u.collect(m.link)
	return returned{u.claim(m.link), rival}, nil
}

func (u *user) leave(l *Link) {
	for i, known := range u.links {
		if known == l {
			u.links = append(u.links[:i:i], u.links[i+1:]...)
			return
		}
	}
}

func (u *user) part(why end) int {
	u.forget()
	for _, l := range u.links {
		l.box.force(why)
	}
	return len(u.links)
}

// rest stops the user when it has no connection and none that may come back, no event id that it would have to
// recognise, and nothing in its inbox.
func (u *user) rest(ctx actor.Context) {
	if len(u.links) > 0 || len(u.left) > 0 {
		return
	}
	now, cfg, wheel := time.Now(), &u.node().cfg, u.node().wheel
	if u.restAt > wheel.since(now) { // an alarm is on its way
		return
	}
	u.dedup.expire(cfg.DedupAge, now)
	u.clear(now)
	if u.dedup.seen != nil || u.inbox != nil {
		at := now.Add(cfg.DedupAge)
		if u.inbox != nil {
			at = u.inbox.waiting[0].until
		}
		u.restAt = wheel.since(at)
		wheel.arm(at, u)
		return
	}
	if u.tenant.users.retire(u.name, &u.box) {
		ctx.Stop(ctx.Self())
		return
	}
	if !u.again {
		u.again = true
		u.box.force(restAgain{})
	}
}
