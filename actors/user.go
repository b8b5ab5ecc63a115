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
		reply reply[struct{}]
	}
	// leave removes a connection; unknown ones are ignored.
	leave struct{ link *Link }
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

// userCore is what a user keeps when its actor restarts. The actor alone touches it.
type userCore struct {
	node   *Node
	tenant *tenantCore
	name   string
	box    *mailbox
	links  []*Link // in the order in which they joined
	dedup  dedup
	inbox  inbox
	// restAt is when the wheel is going to send rest; zero if it is not.
	restAt time.Time
	// again says that restAgain is in the mailbox.
	again bool
}

// user is the actor: one identity, wherever it is connected.
type user struct{ *userCore }

func (n *Node) newUser(t *tenantCore, name string) entry {
	c := &userCore{node: n, tenant: t, name: name, box: newMailbox(n.cfg.MailboxSize), dedup: dedup{count: n.cfg.DedupCount, age: n.cfg.DedupAge}}
	pid := n.spawn(c.box, n.supervise.user, func() actor.Actor { return &user{c} })
	return entry{box: c.box, pid: pid}
}

// ring is the user's idle deadline.
func (c *userCore) ring() { c.box.force(rest{}) }

// Receive is what the user does.
func (u *user) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case publish:
		u.publish(m.publication)
		u.rest(ctx) // it may have been made for this alone
	case join:
		if !m.reply.give(struct{}{}, u.join(m)) { // the connection did not wait so long
			u.leave(m.link)
		}
		u.rest(ctx)
	case leave:
		u.leave(m.link)
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
		u.box.close(errGone)
		u.node.actors.Done()
	}
}

func (u *user) publish(p *publication) {
	if first := u.dedup.known(p, time.Now()); first != nil {
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
		if f := p.frame(u.node, l.dialect(), l.view()); f != nil && l.send(f) {
			delivered++
		}
	}
	u.node.counters.delivered.Add(uint64(delivered))
	u.dedup.done(p)
	u.keep(p)
	p.verdict.answered(delivered)
}

func (u *user) join(m join) *protocol.Refusal {
	if m.limit > 0 {
		count := 0
		for _, l := range u.links {
			if l.dialect() == m.link.dialect() {
				count++
			}
		}
		if count >= m.limit {
			return protocol.Refuse(protocol.TooMany, "the user has %d connections, which is the limit for one user (connections_per_user)", count)
		}
	}
	u.links = append(u.links, m.link)
	u.collect(m.link)
	return nil
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
	for _, l := range u.links {
		l.box.force(why)
	}
	return len(u.links)
}

// rest stops the user when it has no connection, no event id that it would have to recognise, and nothing in its inbox.
func (u *user) rest(ctx actor.Context) {
	if len(u.links) > 0 {
		return
	}
	now := time.Now()
	if u.restAt.After(now) { // an alarm is on its way
		return
	}
	u.dedup.expire(now)
	u.clear(now)
	if u.dedup.seen != nil || u.inbox.waiting != nil {
		u.restAt = now.Add(u.dedup.age)
		if u.inbox.waiting != nil {
			u.restAt = u.inbox.waiting[0].until
		}
		u.node.wheel.arm(u.restAt, u.userCore)
		return
	}
	if u.tenant.users.retire(u.name, u.box) {
		ctx.Stop(ctx.Self())
		return
	}
	if !u.again {
		u.again = true
		u.box.force(restAgain{})
	}
}
