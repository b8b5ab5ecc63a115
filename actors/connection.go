package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// What a connection understands.
type (
	// received is a message from the client.
	received struct {
		data   []byte
		binary bool
	}
	// finish says that the client says no more; then is told when all that it said is handled.
	finish struct {
		reason  protocol.Reason
		then func()
	}
	// ended says that the socket has ended.
	socketEnded struct{ reason protocol.Reason }
	// end closes the connection in its dialect's words; a code other than 0 is used instead of the reason's.
	endConnection struct {
		err    *protocol.Refusal
		code   uint16
		reason string
	}
	// withdraw ends the connection if its right is gone, or else what it hears by rights that are, and answers what ended.
	withdraw struct {
		gone  func(*protocol.Identity) bool
		lent  bool // it is about rights that were lent alone, and not about the connection's own
		reply mailbox.Reply[withdrawn]
	}
	// withdrawn is what ended: the connection, or some of its subscriptions.
	withdrawn struct {
		connection    bool
		subscriptions int
	}
	// due says that a deadline may be due.
	deadlineDue struct{}
	// inspect answers with the topics that are subscribed to.
	inspect struct{ reply mailbox.Reply[[]string] }
)

func (m finish) Refuse(*protocol.Refusal)       { m.then() }
func (m withdraw) Refuse(err *protocol.Refusal) { m.reply.Refuse(err) }
func (m inspect) Refuse(err *protocol.Refusal)  { m.reply.Refuse(err) }

// connection is the actor: it lets a session and the engine talk. Deliveries do not pass through it; topics and users put
// frames into its link's outbox. What belongs together is a type of its own, here by value, since an idle connection pays
// for each of its bytes; each is given the link where it needs it. The actor alone touches all of this but the link.
type connection struct {
	Conn
	session       protocol.Session
	subscriptions subscriptions    // which topics, and what of them (subscriptions.go)
	limits        limit.Connection // of what comes in (intake.go)
	rights        *rights          // of others than its identity, by which it hears something (right.go); nil for none
	registration  registration     // of its user and of everyone (registration.go)
	silent        bool             // the wire was cut, since nothing was heard
	closing       bool             // the wire was told to close; nothing is said or heard any more
	afterEvents   bool             // what is said must not go ahead of events that wait: it tells where they end
	deadlines     deadlineTimers
}

// Receive is what the connection does.
func (c *connection) Receive(ctx mailbox.Context) {
	switch m := ctx.Message().(type) {
	case *mailbox.Started:
		c.open()
	case received:
		c.receive(m)
	case deadlineDue:
		c.deadlineDue(time.Now())
	case endConnection:
		c.end(m)
	case finish:
		c.finish(m)
	case withdraw:
		m.reply.Give(grants{c}.revoke(m), nil)
	case takeOver:
		c.takeOver()
		m.reply.Give(struct{}{}, nil)
	case inspect:
		m.reply.Give(c.subscriptions.Wanted(), nil)
	case socketEnded:
		c.ended(m.reason)
		ctx.Stop(ctx.Self())
	case crash:
		panic(m.cause)
	case *mailbox.Stopped:
		c.stopped()
	}
}

// open lets the session say what it has to say first, and sets the deadlines.
func (c *connection) open() {
	now := time.Now()
	c.deadlines.setPing(c.node.wheel.Since(now.Add(c.node.cfg.PingEvery)))
	if id := c.identity.Load(); id != nil {
		err := &protocol.Refusal{Reason: protocol.Revoked}
		if !c.tenant().revoked.Cover(id, now) {
			err = authentication{c}.enter(id, false)
		}
		if err != nil {
			c.end(endConnection{err: err})
			return
		}
	} else if login := c.dialect().Limits().Login; login > 0 {
		c.deadlines.expire(c.node.wheel.Since(now.Add(login)))
	}
	c.run(c.session.OnOpen(now, c.number()))
	c.flushSession()
	c.schedule()
}

func (c *connection) receive(m received) {
	defer c.read()
	if c.closing {
		return
	}
	now := time.Now()
	if most := c.dialect().Limits().Frame; most > 0 && len(m.data) > most { // the wire goes by the dialect that it began with
		c.end(endConnection{err: protocol.Refuse(protocol.TooLarge, "the message has %d bytes; the limit is %d", len(m.data), most)})
		return
	}
	if err, struck := c.admit(limit.Load{limit.Messages: 1, limit.Bytes: len(m.data)}, now); err != nil {
		c.rejectMessage(err, struck, now)
		return
	}
	at := c.node.wheel.Since(now)
	messages, commands := c.session.Receive(now, protocol.ClientMessage{Data: m.data, Binary: m.binary})
	c.limits.Charge(c.tenant().limits, c.peer(), messages-1, at)
	if !c.limits.Within(c.dialect().Limits(), messages, at) {
		limit := c.dialect().Limits().Rate
		c.end(endConnection{err: protocol.Refuse(protocol.RateLimited, "more than %d messages per second of this connection", limit)})
		return
	}
	c.run(commands)
	c.flushSession()
}

// said ends what a client's message, or its coming, set going: by now its session has said all that comes before events.
func (c *connection) flushSession() {
	c.afterEvents = false
	c.resumeSession()
	c.outbox.Release()
}

// end closes the connection in its dialect's words.
func (c *connection) end(m endConnection) {
	if c.closing {
		return
	}
	if m.code != 0 {
		c.registration.disconnected(&c.Conn, m.err.Reason, m.code, true)
		c.close(m.code, m.reason)
		return
	}
	c.afterEvents = m.err.Reason != protocol.Slow // who is slow would not hear it behind the rest
	words := c.session.OnReject(time.Now(), m.err, true)
	c.registration.disconnected(&c.Conn, m.err.Reason, closing(words), true)
	c.run(words)
	c.close(m.err.Reason.CloseCode(), string(m.err.Reason))
}

// endIf ends the connection if something broke.
func (c *connection) endIf(broken *protocol.Refusal) {
	if broken != nil {
		c.end(endConnection{err: broken})
	}
}

func (c *connection) close(code uint16, reason string) {
	if !c.closing {
		c.closing = true
		c.stopReading()
		c.leave()
		c.outbox.Release()
		c.outbox.Transport().Close(code, reason)
	}
}

// leave takes the connection out of its topics and its user; what is offered from now on is not for it.
func (c *connection) leave() {
	c.subscriptions.leave(&c.Conn)
	c.resume.GiveUp(&c.node.totals)
	c.registration.leave(&c.Conn)
}

// finish is the end of what the client says. All of it is handled, since the mailbox is in order; the wire closes once
// the answers are written, and events that come from now on are no more for this connection.
func (c *connection) finish(m finish) {
	if !c.closing {
		c.closing = true
		c.registration.disconnected(&c.Conn, m.reason, 0, false)
		c.leave()
		c.outbox.Release()
	}
	m.then()
}

// ended is the end of the socket.
func (c *connection) ended(reason protocol.Reason) {
	c.closing = true
	if c.silent {
		reason = protocol.Silent
	}
	c.registration.disconnected(&c.Conn, reason, 0, false)
	if c.registration.mayReturn(&c.Conn, reason) {
		c.subscriptions.detachAll(&c.Conn)
	}
	c.leave()
	c.node.dropped(reason, c.outbox.Close())
	c.node.log.Debug("a connection ended", "tenant", c.tenant().name, "connection", c.ID(), "user", c.user(), "dialect", c.dialect().Name(), "why", reason, "lasted", time.Since(c.since()))
}

// stopped is the end of the actor: the usual one, or the one after a failure, when the socket still lives.
func (c *connection) stopped() {
	c.closing = true
	c.stopReading()
	c.registration.disconnected(&c.Conn, protocol.Internal, 0, true)
	c.leave()
	if !c.flags.has(isGone) {
		c.outbox.Transport().Close(protocol.Internal.CloseCode(), string(protocol.Internal))
	}
	c.node.dropped(protocol.Internal, c.outbox.Close())
	c.registration.known(&c.Conn)
	c.box.Close(errNoConnection)
	c.post.Load().left(&c.Conn)
	c.flags.set(isOut)
	c.node.system.Done()
}

// due does what is due on a connection: the end of an unfinished login, the end of a token, the dialect's heartbeat,
// the ping, and the end of a peer that has been silent.
func (c *connection) deadlineDue(now time.Time) {
	at := c.node.wheel.Since(now)
	c.deadlines.fired(at)
	if c.closing {
		return
	}
	switch over := c.deadlines.expired(at); {
	case over && !c.registration.joined:
		c.end(endConnection{err: protocol.Refuse(protocol.AuthTimeout, "no valid token came within %s", c.dialect().Limits().Login)})
		return
	case over:
		c.end(endConnection{err: &protocol.Refusal{Reason: protocol.TokenExpired}})
		return
	case at >= c.silentAt():
		c.node.dropped(protocol.Silent, 1)
		c.silent = true
		c.outbox.Transport().Cut()
		return
	}
	if passed(c.rights.expire(), at) {
		grants{c}.withdraw(grant.ExpiredAt(at), protocol.TokenExpired)
	}
	if c.closing {
		return
	}
	if c.deadlines.ticks(at) {
		c.run(c.session.OnTick(now))
		c.flushSession()
	}
	if c.closing {
		return
	}
	if c.deadlines.pingDue(at, c.node.cfg.PingEvery) {
		c.outbox.Reply(outbox.Ping, nil)
	}
	c.schedule()
}

// arm has the wheel ring at the next deadline, if it does not ring before.
func (c *connection) schedule() {
	if c.closing {
		return
	}
	if next, sooner := c.deadlines.next(c.silentAt(), c.rights.expire()); sooner {
		c.node.wheel.ScheduleAt(next, (*deadlineTimer)(&c.Conn))
	}
}

// ending asks a connection to end. code 0 is what the reason's own is.
func ending(why protocol.Reason, code uint16, text string) endConnection {
	if code != 0 && text == "" {
		text = string(why)
	}
	return endConnection{err: &protocol.Refusal{Reason: why}, code: code, reason: text}
}
