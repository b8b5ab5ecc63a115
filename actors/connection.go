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
		why  protocol.Reason
		then func()
	}
	// ended says that the socket has ended.
	socketEnded struct{ why protocol.Reason }
	// end closes the connection in its dialect's words; a code other than 0 is used instead of the reason's.
	endConnection struct {
		why    *protocol.Refusal
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
func (m withdraw) Refuse(why *protocol.Refusal) { m.reply.Refuse(why) }
func (m inspect) Refuse(why *protocol.Refusal)  { m.reply.Refuse(why) }

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
		m.reply.Give(c.revoke(m), nil)
	case takeOver:
		c.takeOver()
		m.reply.Give(struct{}{}, nil)
	case inspect:
		m.reply.Give(c.subscriptions.Wanted(), nil)
	case socketEnded:
		c.ended(m.why)
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
		why := &protocol.Refusal{Reason: protocol.Revoked}
		if !c.tenant().revoked.Cover(id, now) {
			why = c.enter(id, false)
		}
		if why != nil {
			c.end(endConnection{why: why})
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
		c.end(endConnection{why: protocol.Refuse(protocol.TooLarge, "the message has %d bytes; the limit is %d", len(m.data), most)})
		return
	}
	if why, struck := c.admit(limit.Load{limit.Messages: 1, limit.Bytes: len(m.data)}, now); why != nil {
		c.rejectMessage(why, struck, now)
		return
	}
	at := c.node.wheel.Since(now)
	messages, commands := c.session.Receive(now, protocol.ClientMessage{Data: m.data, Binary: m.binary})
	c.limits.Charge(c.tenant().limits, c.peer(), messages-1, at)
	if !c.limits.Within(c.dialect().Limits(), messages, at) {
		limit := c.dialect().Limits().Rate
		c.end(endConnection{why: protocol.Refuse(protocol.RateLimited, "more than %d messages per second of this connection", limit)})
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

// run does commands in their order; what the session answers to one comes before the next.
func (c *connection) run(commands []protocol.Command) {
	for _, command := range commands {
		if c.closing {
			return
		}
		c.run(c.do(command))
	}
}

// do does one command and returns what the session makes of its outcome.
func (c *connection) do(command protocol.Command) []protocol.Command {
	switch cmd := command.(type) {
	case protocol.Send:
		op := outbox.Text
		if cmd.Binary {
			op = outbox.Binary
		}
		c.sendControl(op, cmd.Text, c.afterEvents)
		return nil
	case protocol.Close:
		c.registration.disconnected(&c.Conn, reasonFor(cmd), cmd.Code, true)
		c.close(cmd.Code, cmd.Reason)
		return nil
	case protocol.SetInterval:
		c.deadlines.setInterval(cmd.Every, c.node.wheel.Since(time.Now()))
		c.schedule()
		return nil
	case protocol.SetEventView:
		c.setEventView(cmd)
		return nil
	case protocol.Announce:
		c.registration.announce(&c.Conn, cmd)
		return nil
	case protocol.SwitchDialect:
		c.switchDialect(cmd)
		return nil
	case protocol.Report:
		c.report(cmd)
		return nil
	case protocol.Authenticate:
		c.afterEvents = c.afterEvents || c.registration.joined // it may take subscriptions away
		id, lost, why := c.authenticate(cmd)
		answer := c.session.Answer(cmd, protocol.Outcome{Now: time.Now(), Identity: id, Err: why})
		return append(answer, c.endSubscriptions(lost, protocol.Forbidden)...)
	case protocol.Verify:
		id, why := c.verify(cmd.Credential)
		return c.session.Answer(cmd, protocol.Outcome{Now: time.Now(), Identity: id, Err: why})
	case protocol.Subscribe:
		_, known := c.subscriptions.Find(cmd.Topic)
		c.resumeSession()                                                          // what was missed comes before what this brings
		c.afterEvents = c.afterEvents || known || cmd.Since != protocol.Position{} // the answer follows what is replayed, or was wanted before
		at, why := c.subscribe(cmd)
		return c.session.Answer(cmd, protocol.Outcome{Now: time.Now(), Position: at, Err: why})
	case protocol.Unsubscribe:
		c.afterEvents = true // the answer follows the last event
		c.unsubscribe(cmd.Topic, cmd.Below)
		return c.session.Answer(cmd, protocol.Outcome{Now: time.Now()})
	case protocol.CountConnections:
		return c.session.Answer(cmd, protocol.Outcome{Now: time.Now(), Count: int(c.post.Load().authenticated.Load())})
	}
	panic("unknown command")
}

func (c *connection) revoke(m withdraw) withdrawn {
	id := c.identity.Load()
	switch {
	case c.closing || id == nil:
		return withdrawn{}
	case !m.lent && m.gone(id):
		c.end(endConnection{why: &protocol.Refusal{Reason: protocol.Revoked}})
		return withdrawn{connection: true}
	}
	return withdrawn{subscriptions: c.withdraw(func(r *grant.Grant) bool { return m.gone(r.Identity) }, protocol.Revoked)}
}

// report writes into the log what a client reports.
func (c *connection) report(cmd protocol.Report) {
	say := c.node.log.Info
	if cmd.Warn {
		say = c.node.log.Warn
	}
	say("a client reports", "tenant", c.tenant().name, "connection", c.ID(), "user", c.user(), "kind", cmd.Kind, "data", string(cmd.Data))
}

// end closes the connection in its dialect's words.
func (c *connection) end(m endConnection) {
	if c.closing {
		return
	}
	if m.code != 0 {
		c.registration.disconnected(&c.Conn, m.why.Reason, m.code, true)
		c.close(m.code, m.reason)
		return
	}
	c.afterEvents = m.why.Reason != protocol.Slow // who is slow would not hear it behind the rest
	words := c.session.OnReject(time.Now(), m.why, true)
	c.registration.disconnected(&c.Conn, m.why.Reason, closing(words), true)
	c.run(words)
	c.close(m.why.Reason.CloseCode(), string(m.why.Reason))
}

// endIf ends the connection if something broke.
func (c *connection) endIf(broken *protocol.Refusal) {
	if broken != nil {
		c.end(endConnection{why: broken})
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
		c.registration.disconnected(&c.Conn, m.why, 0, false)
		c.leave()
		c.outbox.Release()
	}
	m.then()
}

// ended is the end of the socket.
func (c *connection) ended(why protocol.Reason) {
	c.closing = true
	if c.silent {
		why = protocol.Silent
	}
	c.registration.disconnected(&c.Conn, why, 0, false)
	if c.registration.mayReturn(&c.Conn, why) {
		c.subscriptions.detachAll(&c.Conn)
	}
	c.leave()
	c.node.dropped(why, c.outbox.Close())
	c.node.log.Debug("a connection ended", "tenant", c.tenant().name, "connection", c.ID(), "user", c.user(), "dialect", c.dialect().Name(), "why", why, "lasted", time.Since(c.since()))
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
