package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/encoding"
	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
)

// run does commands in their order; the session's answer to one comes before the next.
func (c *connection) run(commands []protocol.Command) {
	for _, command := range commands {
		if c.closing {
			return
		}
		c.run(c.do(command))
	}
}

// do does one command and returns the commands with which the session answers its outcome. It may wait for other actors
// or the authenticator, for at most Config.RequestTimeout each.
func (c *connection) do(command protocol.Command) []protocol.Command {
	switch cmd := command.(type) {
	case protocol.Send:
		c.sendControl(encoding.Op(cmd.Binary), cmd.Text, c.afterEvents)
		return nil
	case protocol.Close:
		c.registration.disconnected(&c.Conn, recorder.Close{
			Code: cmd.Code, Reason: reasonFor(cmd), Detail: cmd.Reason})
		c.close(cmd.Code, cmd.Reason)
		return nil
	case protocol.SetInterval:
		c.deadlines.SetInterval(cmd.Every, c.node.wheel.Since(time.Now()))
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
		c.resumeSession() // missed events come before those that this brings
		// The answer follows events that are replayed, or that were subscribed to before.
		c.afterEvents = c.afterEvents || known || cmd.Since != protocol.Position{} && !cmd.AnswerFirst
		got, err := c.subscribe(cmd)
		return c.session.Answer(cmd, protocol.Outcome{Now: time.Now(), Position: got.at, Last: got.last,
			Members: got.members, Err: err})
	case protocol.Unsubscribe:
		c.afterEvents = true // the answer follows the last event
		c.unsubscribe(cmd.Topic, cmd.Below)
		return c.session.Answer(cmd, protocol.Outcome{Now: time.Now()})
	case protocol.CountConnections:
		return c.session.Answer(cmd, protocol.Outcome{Now: time.Now(), Count: int(c.post.Load().authenticated.Load())})
	}
	return requests{c}.do(command)
}

// report logs what a client reports of itself.
func (c *connection) report(cmd protocol.Report) {
	say := c.node.log.Info
	if cmd.Warn {
		say = c.node.log.Warn
	}
	say("a client reports", "tenant", c.tenant().name, "connection", c.ID(), "user", c.user(),
		"kind", cmd.Kind, "data", string(cmd.Data))
}

// subscribe makes the subscription that the session asks for, and emits a lifecycle event for it.
func (c *connection) subscribe(cmd protocol.Subscribe) (attached, *protocol.Refusal) {
	now := time.Now()
	if err, exceeded := c.admit(limit.Cost{limit.Subscribes: 1}, now); err != nil {
		if exceeded && c.limits.Strike(c.node.wheel.Since(now)) {
			c.end(endConnection{err: err})
		}
		return attached{}, err
	}
	before, known := c.subscriptions.Find(cmd.Topic)
	var by *grant.Grant
	if cmd.As != nil {
		more, err := grants{c}.borrow(cmd.As)
		if err != nil {
			return attached{}, err
		}
		if by = before.Grant.With(more); known && before.Grant == nil {
			by = nil // the subscription stands on the connection's own identity
		}
	}
	got, err, broken := c.subscriptions.subscribe(&c.Conn, cmd, by)
	c.endIf(broken)
	grants{c}.expireBy(by)
	if err == nil && !known {
		c.registration.subscribed(&c.Conn, false, cmd.Topic)
	}
	return got, err
}

// unsubscribe drops a subscription, with below also those to topics under it, and emits lifecycle events for them.
func (c *connection) unsubscribe(topic string, below bool) {
	var before []string
	if c.registration.emits(&c.Conn) {
		before = c.subscriptions.Wanted()
	}
	c.endIf(c.subscriptions.unsubscribe(&c.Conn, topic, below))
	c.registration.unsubscribed(&c.Conn, before, c.subscriptions.Subscriptions)
}

// dropForbidden ends the subscriptions by the connection's own identity that its new identity does not grant, and
// returns their topics. If a right cannot be looked up now, its subscription stays: the user had the right before.
func (c *connection) dropForbidden() (lost []string) {
	for _, topic := range c.subscriptions.Wanted() {
		if r, _ := c.subscriptions.Find(topic); r.Grant != nil {
			continue
		}
		err := (topicClient{&c.Conn}).granted(protocol.Subscribe{Topic: topic}, nil)
		if err != nil && err.Reason == protocol.Forbidden {
			c.unsubscribe(topic, false)
			lost = append(lost, topic)
		}
	}
	return lost
}

// authentication is the part of a connection that leads it to its identity, its tenant and its dialect.
type authentication struct{ *connection }

// verify asks the authenticator whose credential this is.
func (c authentication) verify(credential protocol.Credential) (*protocol.Identity, *protocol.Refusal) {
	ctx, done := c.request()
	defer done()
	id, err := c.node.auth.Authenticate(ctx, c.tenant().name, credential)
	if err != nil {
		return nil, protocol.AsRefusal(err)
	}
	return id, nil
}

// authenticate checks a credential and makes its identity the connection's. lost are the topics of the subscriptions
// that it ended, since the new identity does not grant them.
func (c authentication) authenticate(
	cmd protocol.Authenticate,
) (_ *protocol.Identity, lost []string, _ *protocol.Refusal) {
	id, err := c.verify(cmd.Credential)
	if err == nil {
		err = c.enter(id, cmd.IgnoreExpiry)
	}
	if err != nil {
		recording{&c.Conn}.refused(err)
		return nil, nil, err
	}
	lost = c.dropForbidden()
	c.schedule()
	return id, lost, nil
}

// enter makes id the connection's identity. With its first identity the connection joins the user; later identities
// must be of the same user, unless the first was nobody's and one app stands behind both. With ignoreExpiry, the
// identity's expiry is ignored.
func (c authentication) enter(id *protocol.Identity, ignoreExpiry bool) *protocol.Refusal {
	if c.registration.isAnothers(&c.Conn, id) {
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
	if err := c.registration.signIn(&c.Conn, id); err != nil {
		return err
	}
	c.identity.Store(id)
	c.deadlines.SetEnd(0)
	if !id.Expires.IsZero() && !ignoreExpiry {
		// time.Until bounds it to 292 years, whatever the token says.
		c.deadlines.SetEnd(c.node.wheel.Since(time.Now().Add(time.Until(id.Expires))))
	}
	return nil
}

// move brings a connection that came in without a tenant to the tenant of its token.
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
	if t.revoked.Cover(id, time.Now()) { // revoked since its check, when the tenant did not know the connection yet
		return &protocol.Refusal{Reason: protocol.Revoked}
	}
	return nil
}

// switchDialect gives the connection another dialect and session. If the limits of that dialect leave no room for it,
// the connection ends in that dialect's words.
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
		err = c.tenant().limits.AdmitAddress(cmd.Dialect, c.remote, now, nil)
	}
	if err != nil {
		c.node.totals.Dropped(err.Reason, 1)
		c.end(endConnection{err: err})
		return
	}
	c.deadlines.SetEnd(0)
	if limits.Login > 0 {
		c.deadlines.SetEnd(c.node.wheel.Since(now.Add(limits.Login)))
	}
	c.schedule()
}

// setEventView sets the projection for events to the user and broadcasts, and by whose grant the connection gets them.
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

// admit charges what the connection brings to all rate limiters, and counts a refusal as a drop. struck says that the
// connection itself, its user or its address is too fast.
func (c *connection) admit(much limit.Cost, now time.Time) (err *protocol.Refusal, exceeded bool) {
	err, exceeded = c.limits.Admit(c.tenant().limits, c.peer(), much, c.node.wheel.Since(now), nil)
	if err != nil {
		c.node.totals.Dropped(protocol.RateLimited, 1)
	}
	return err, exceeded
}

// rejectMessage refuses a message that is over a rate, in the dialect's words, or ends the connection if it has been
// refused too often.
func (c *connection) rejectMessage(
	message *protocol.ClientMessage, err *protocol.Refusal, exceeded bool, now time.Time,
) {
	refused := *err
	refused.Message = message
	err = &refused
	if exceeded && c.limits.Strike(c.node.wheel.Since(now)) {
		c.end(endConnection{err: err})
		return
	}
	c.run(c.session.OnReject(now, err, false))
}

// closing finds the close code among a dialect's words for an end; 0 if there is none.
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

// showTaps shows a message, and what the session made of it, to the taps that want it.
func (c *connection) showTaps(message protocol.ClientMessage, commands []protocol.Command) {
	if taps := &c.node.taps; taps.Any() {
		taps.Received(c.tenant().name, c.number(), sourceOf(&c.Conn), message, commands)
	}
}
