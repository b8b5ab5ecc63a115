package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/actors/taskqueue"
	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// These are the messages of a connection.
type (
	// received is a message from the client.
	received struct {
		data   []byte
		binary bool
	}
	// finish says that the client will say no more; the actor calls then when everything that it said is handled.
	finish struct {
		reason protocol.Reason
		then   func()
	}
	// socketEnded says that the socket has ended.
	socketEnded struct{ reason protocol.Reason }
	// endConnection closes the connection in its dialect's words.
	endConnection struct{ err *protocol.Refusal }
	// withdraw ends the connection if its own identity is revoked, or else the subscriptions by grants that are, and
	// answers what ended.
	withdraw struct {
		gone     func(*protocol.Identity) bool
		borrowed bool // only borrowed grants are concerned, and not the connection's own identity
		mailbox.Reply[withdrawn]
	}
	// withdrawn says what ended: the connection, or some of its subscriptions.
	withdrawn struct {
		connection    bool
		subscriptions int
	}
	// deadlineDue says that a deadline may be due.
	deadlineDue struct{}
	// maySubscribe answers whether the client might subscribe to a topic.
	maySubscribe struct {
		topic string
		mailbox.Reply[*decision.Record]
	}
	// inspect answers with the topics that the client has subscribed to.
	inspect struct{ mailbox.Reply[[]string] }
)

func (m finish) Refuse(*protocol.Refusal) { m.then() }

// connection is the actor: it lets a session and the engine talk. Deliveries do not pass through it; topics and users
// put frames into the outbox of its Conn. Its parts are types of their own, held by value, since an idle connection
// pays for each of its bytes; each part gets the Conn where it needs it. Only the actor touches these fields, except
// for the Conn.
type connection struct {
	Conn
	session       protocol.Session
	subscriptions subscriptions    // its topics and filters (connection_subscriptions.go)
	limits        limit.Connection // on what comes in (package limit)
	rights        *rights          // grants of other identities that it uses (connection_grants.go); nil for none
	registration  registration     // with its user and for broadcasts (connection_registration.go)
	silent        bool             // the transport was cut, since the peer was silent
	closing       bool             // the transport was asked to close; the session neither speaks nor hears any more
	afterEvents   bool             // control frames must not overtake events that wait: they tell where those end
	publishing    *taskqueue.Queue // publishes by the client (connection_requests.go); nil until the first
	deadlines     timer.Deadlines
}

// Receive handles one message.
func (c *connection) Receive(ctx mailbox.Context) {
	switch m := ctx.Message().(type) {
	case *mailbox.Started:
		c.open()
	case received:
		c.receive(m)
	case published:
		requests{c}.published(m)
	case deadlineDue:
		c.deadlineDue(time.Now())
	case endConnection:
		c.end(m)
	case finish:
		c.finish(m)
	case withdraw:
		m.Reply.Give(grants{c}.revoke(m), nil)
	case takeOver:
		c.takeOver()
		m.Reply.Give(struct{}{}, nil)
	case maySubscribe:
		asked := &decision.Record{}
		m.Reply.Give(asked, askSubscribe(c, m.topic, asked))
	case inspect:
		m.Reply.Give(c.subscriptions.Wanted(), nil)
	case socketEnded:
		c.ended(m.reason)
		ctx.Stop(ctx.Self())
	case crash:
		panic(m.cause)
	case *mailbox.Stopped:
		c.stopped()
	}
}

// open sets the deadlines and lets the session speak first. A connection that came with an identity joins its user
// before.
func (c *connection) open() {
	now := time.Now()
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
		c.deadlines.SetEnd(c.node.wheel.Since(now.Add(login)))
	}
	c.run(c.session.OnOpen(now, c.number()))
	c.flushSession()
	c.schedule()
	(*pingTimer)(&c.Conn).schedule(now)
}

// receive gives a message of the client to the session and does the session's commands, if size and rates allow it.
func (c *connection) receive(m received) {
	defer c.read()
	if c.closing || c.node.faults.Any() && c.node.faults.Mutes(c.tenant().name, c.number()) {
		return
	}
	now, message := time.Now(), protocol.ClientMessage{Data: m.data, Binary: m.binary}
	if most := c.dialect().Limits().Frame; most > 0 && len(m.data) > most {
		// The transport has checked this by the limit of the dialect that it began with.
		err := protocol.Refuse(protocol.TooLarge, "the message has %d bytes; the limit is %d", len(m.data), most)
		err.Message = &message
		c.end(endConnection{err: err})
		return
	}
	if err, exceeded := c.admit(limit.Cost{limit.Messages: 1, limit.Bytes: len(m.data)}, now); err != nil {
		c.rejectMessage(&message, err, exceeded, now)
		return
	}
	at := c.node.wheel.Since(now)
	messages, commands := c.session.Receive(now, message)
	c.showTaps(message, commands)
	c.limits.Charge(c.tenant().limits, c.peer(), messages-1, at)
	if !c.limits.Within(c.dialect().Limits(), messages, at) {
		limit := c.dialect().Limits().Rate
		err := protocol.Refuse(protocol.RateLimited, "more than %d messages per second of this connection", limit)
		err.Message = &message
		c.end(endConnection{err: err})
		return
	}
	c.run(commands)
	c.flushSession()
}

// flushSession ends what a client's message, or its coming, set going: the session has now said everything that comes
// before events.
func (c *connection) flushSession() {
	c.afterEvents = false
	c.resumeSession()
	c.outbox.Release()
}

// deadlineDue does what is due on a connection: it ends an unfinished login, an expired token's connection or a silent
// peer, withdraws expired grants, and ticks the session.
func (c *connection) deadlineDue(now time.Time) {
	at := c.node.wheel.Since(now)
	c.deadlines.Fired(at)
	if c.closing {
		return
	}
	switch over := c.deadlines.Ended(at); {
	case over && !c.registration.joined:
		login := c.dialect().Limits().Login
		c.end(endConnection{err: protocol.Refuse(protocol.AuthTimeout, "no valid token came within %s", login)})
		return
	case over:
		c.end(endConnection{err: &protocol.Refusal{Reason: protocol.TokenExpired}})
		return
	case at >= c.silentAt():
		c.node.totals.Dropped(protocol.Silent, 1)
		c.silent = true
		recording{&c.Conn}.decide(recorder.Broken(protocol.Silent))
		c.outbox.Transport().Cut()
		return
	}
	if timer.Passed(c.rights.expire(), at) {
		grants{c}.withdraw(grant.ExpiredAt(at), protocol.TokenExpired)
	}
	if !c.closing && c.deadlines.TickDue(at) {
		c.run(c.session.OnTick(now))
		c.flushSession()
	}
	c.schedule()
}

// schedule has the wheel fire at the next deadline, if it does not fire before that anyway.
func (c *connection) schedule() {
	if c.closing {
		return
	}
	_, silent := (*pingTimer)(&c.Conn).next(time.Now())
	if next, sooner := c.deadlines.Next(silent, c.rights.expire()); sooner {
		c.node.wheel.ScheduleAt(next, (*deadlineTimer)(&c.Conn))
	}
}

// resumeSession gives back what the client left: first the frames that waited for it, then each topic from its
// checkpoint. It comes before the first subscription of the session's own; the session's control frames overtake all of
// it.
func (c *connection) resumeSession() {
	if c.closing {
		return
	}
	rec := c.resume.Take()
	if rec == nil {
		return
	}
	c.outbox.Hold()
	granted := c.subscriptions.takeOver(&c.Conn, rec)
	resend(rec, &c.Conn, granted)
	c.resume.AddMissed(c.node.totals, protocol.PositionLost, rec.Broadcast.Until(c.resume.Broadcast))
	if rec.Projection != nil {
		view := protocol.SetEventView{View: *rec.Projection}
		if rec.Borrowed { // borrowed then; now it goes by the token that the client has shown now
			view.As = c.identity.Load()
		}
		c.setEventView(view)
	}
	c.endIf(c.subscriptions.reattach(&c.Conn, rec))
	c.registration.subscribed(&c.Conn, true, c.subscriptions.Wanted()...)
	for _, r := range c.subscriptions.Subscriptions {
		grants{c}.expireBy(r.Grant)
	}
	c.resume.Restored.Store(uint64(c.subscriptions.Count()))
	c.node.totals.Restored.Add(1)
}
