package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

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
		authentication{c}.switchDialect(cmd)
		return nil
	case protocol.Report:
		c.report(cmd)
		return nil
	case protocol.Authenticate:
		c.afterEvents = c.afterEvents || c.registration.joined // it may take subscriptions away
		id, lost, err := authentication{c}.authenticate(cmd)
		answer := c.session.Answer(cmd, protocol.Outcome{Now: time.Now(), Identity: id, Err: err})
		return append(answer, grants{c}.endSubscriptions(lost, protocol.Forbidden)...)
	case protocol.Verify:
		id, err := authentication{c}.verify(cmd.Credential)
		return c.session.Answer(cmd, protocol.Outcome{Now: time.Now(), Identity: id, Err: err})
	case protocol.Subscribe:
		_, known := c.subscriptions.Find(cmd.Topic)
		c.resumeSession()                                                          // what was missed comes before what this brings
		c.afterEvents = c.afterEvents || known || cmd.Since != protocol.Position{} // the answer follows what is replayed, or was wanted before
		at, err := c.subscribe(cmd)
		return c.session.Answer(cmd, protocol.Outcome{Now: time.Now(), Position: at, Err: err})
	case protocol.Unsubscribe:
		c.afterEvents = true // the answer follows the last event
		c.unsubscribe(cmd.Topic, cmd.Below)
		return c.session.Answer(cmd, protocol.Outcome{Now: time.Now()})
	case protocol.CountConnections:
		return c.session.Answer(cmd, protocol.Outcome{Now: time.Now(), Count: int(c.post.Load().authenticated.Load())})
	}
	panic("unknown command")
}

// report writes into the log what a client reports.
func (c *connection) report(cmd protocol.Report) {
	say := c.node.log.Info
	if cmd.Warn {
		say = c.node.log.Warn
	}
	say("a client reports", "tenant", c.tenant().name, "connection", c.ID(), "user", c.user(), "kind", cmd.Kind, "data", string(cmd.Data))
}

// subscribe does what the session asks for, and tells of it.
func (c *connection) subscribe(cmd protocol.Subscribe) (protocol.Position, *protocol.Refusal) {
	now := time.Now()
	if err, struck := c.admit(limit.Load{limit.Subscribes: 1}, now); err != nil {
		if struck && c.limits.Strike(c.node.wheel.Since(now)) {
			c.end(endConnection{err: err})
		}
		return protocol.Position{}, err
	}
	before, known := c.subscriptions.Find(cmd.Topic)
	var by *grant.Grant
	if cmd.As != nil {
		more, err := grants{c}.borrow(cmd.As)
		if err != nil {
			return protocol.Position{}, err
		}
		if by = before.Grant.With(more); known && before.Grant == nil {
			by = nil // it stands on the connection's own
		}
	}
	at, err, broken := c.subscriptions.subscribe(&c.Conn, cmd, by)
	c.endIf(broken)
	grants{c}.expireBy(by)
	if err == nil && !known {
		c.registration.subscribed(&c.Conn, false, cmd.Topic)
	}
	return at, err
}

// unsubscribe drops a subscription, and tells of it.
func (c *connection) unsubscribe(topic string, below bool) {
	var before []string
	if c.registration.emits(&c.Conn) {
		before = c.subscriptions.Wanted()
	}
	c.endIf(c.subscriptions.unsubscribe(&c.Conn, topic, below))
	c.registration.unsubscribed(&c.Conn, before, c.subscriptions.Subscriptions)
}

// narrow ends the subscriptions by the connection's own right that its new identity does not grant, and returns their
// topics. One whose right cannot be looked up now stays: its user had it before.
func (c *connection) dropForbidden() (lost []string) {
	for _, topic := range c.subscriptions.Wanted() {
		if r, _ := c.subscriptions.Find(topic); r.Grant != nil {
			continue
		}
		if err := (topicClient{&c.Conn}).granted(protocol.Subscribe{Topic: topic}); err != nil && err.Reason == protocol.Forbidden {
			c.unsubscribe(topic, false)
			lost = append(lost, topic)
		}
	}
	return lost
}

// authentication is a connection on its way to an identity, to a tenant and to a dialect.
type authentication struct{ *connection }

// verify asks who shows a credential.
func (c authentication) verify(credential protocol.Credential) (*protocol.Identity, *protocol.Refusal) {
	ctx, done := c.request()
	defer done()
	id, err := c.node.auth.Authenticate(ctx, c.tenant().name, credential)
	if err != nil {
		return nil, protocol.AsRefusal(err)
	}
	return id, nil
}

// authenticate checks a credential and makes its identity the connection's. lost are the topics that it does not grant
// any more.
func (c authentication) authenticate(cmd protocol.Authenticate) (_ *protocol.Identity, lost []string, _ *protocol.Refusal) {
	id, err := c.verify(cmd.Credential)
	if err == nil {
		err = c.enter(id, cmd.IgnoreExpiry)
	}
	if err != nil {
		return nil, nil, err
	}
	lost = c.dropForbidden()
	c.schedule()
	return id, lost, nil
}

// enter makes id the connection's identity. The first one joins the user; later ones must be of the same user. A lasting
// one does not expire.
func (c authentication) enter(id *protocol.Identity, lasting bool) *protocol.Refusal {
	if before := c.identity.Load(); before != nil && c.registration.joined && (before.User != id.User || id.Tenant != "" && id.Tenant != c.tenant().name) {
		return protocol.Refuse(protocol.Forbidden, "the connection belongs to another user; open a new one")
	}
	if !c.registration.joined {
		if err := c.move(id); err != nil {
			return err
		}
		if err := c.registration.join(&c.Conn, &c.limits, id); err != nil {
			return err
		}
	}
	c.identity.Store(id)
	c.deadlines.expire(0)
	if !id.Expires.IsZero() && !lasting {
		c.deadlines.expire(c.node.wheel.Since(time.Now().Add(time.Until(id.Expires)))) // at most 292 years, whatever it says
	}
	return nil
}

// move brings a connection that came in without a tenant to that of its token.
func (c authentication) move(id *protocol.Identity) *protocol.Refusal {
	if id.Tenant == "" || id.Tenant == c.tenant().name {
		return nil
	}
	t, err := c.tenant().all.lookup(id.Tenant)
	if err == nil && isInternal(id.Tenant) {
		err = protocol.Refuse(protocol.Forbidden, "the token is of no tenant that is served here")
	}
	if err == nil {
		err = t.placement(c.dialect()).adopt(&c.Conn)
	}
	if err != nil {
		return err
	}
	c.limits.Leave()
	if t.revoked.Cover(id, time.Now()) { // since its check, when the tenant did not know the connection yet
		return &protocol.Refusal{Reason: protocol.Revoked}
	}
	return nil
}

// become makes the connection one of another dialect. Should there be no room for it, it ends in that dialect's words.
func (c authentication) switchDialect(cmd protocol.SwitchDialect) {
	if c.registration.joined {
		panic("a connection that belongs to a user cannot become another dialect")
	}
	c.session = cmd.Session
	limits, now := cmd.Dialect.Limits(), time.Now()
	c.limits.Refund(c.dialect(), c.remote, now)
	c.limits.Renew(c.tenant().limits)
	err := c.tenant().placement(cmd.Dialect).adopt(&c.Conn)
	if err == nil {
		err = c.tenant().limits.AdmitAddress(cmd.Dialect, c.remote, now)
	}
	if err != nil {
		c.node.dropped(err.Reason, 1)
		c.end(endConnection{err: err})
		return
	}
	c.deadlines.expire(0)
	if limits.Login > 0 {
		c.deadlines.expire(c.node.wheel.Since(now.Add(limits.Login)))
	}
	c.schedule()
}

// heed says what is left of events to the user and to everyone, and by whose right.
func (c *connection) setEventView(cmd protocol.SetEventView) {
	if cmd.As != nil {
		more, err := grants{c}.borrow(cmd.As)
		if err == nil {
			c.rights.events = c.rights.events.With(more)
		} else {
			cmd.View, c.rights.events = protocol.None, nil
		}
	}
	c.endIf(c.registration.setView(&c.Conn, cmd.View))
	grants{c}.expireBy(c.rights.own())
}

// admit counts what the connection brings against all rates, and a refusal among the drops. struck says that it is the
// connection itself, its user or its address that is too fast.
func (c *connection) admit(much limit.Load, now time.Time) (err *protocol.Refusal, struck bool) {
	err, struck = c.limits.Admit(c.tenant().limits, c.peer(), much, c.node.wheel.Since(now))
	if err != nil {
		c.node.dropped(protocol.RateLimited, 1)
	}
	return err, struck
}

// rejectMessage tells the client that a message was over a rate and is not read, or ends the connection if that goes on.
func (c *connection) rejectMessage(err *protocol.Refusal, struck bool, now time.Time) {
	if struck && c.limits.Strike(c.node.wheel.Since(now)) {
		c.end(endConnection{err: err})
		return
	}
	c.run(c.session.OnReject(now, err, false))
}

// closing finds how the client is told of an end, among the words of its dialect; 0 if they do not say.
func closing(words []protocol.Command) uint16 {
	i := slices.IndexFunc(words, func(cmd protocol.Command) bool { _, ok := cmd.(protocol.Close); return ok })
	if i < 0 {
		return 0
	}
	return words[i].(protocol.Close).Code
}

// reasonFor is the reason of an end that the session itself asks for.
func reasonFor(cmd protocol.Close) protocol.Reason {
	if reason := protocol.Reason(cmd.Reason); reason.Known() {
		return reason
	}
	return protocol.Disconnected
}
