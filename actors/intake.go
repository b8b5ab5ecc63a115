package actors

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// intake is how fast a connection brings something in. It is made by its first message if its tenant has limits, and
// belongs to the connection's actor; the meters of user and address are shared.
type intake struct {
	own           meter
	user, address *meter // nil until they are needed
	strikes       allowance
}

// A connection that is refused for its rate more often than once a second, beyond strikes, is ended.
const strikes = 16

// admit counts what the connection brings against all rates, the narrowest first. What was counted by one stays counted
// if the next refuses. struck says that it is the connection itself, its user or its address that is too fast.
func (c *connection) admit(much load, now time.Time) (why *protocol.Refusal, struck bool) {
	limits := c.tenant().rates.Load()
	if limits == nil {
		return nil, false
	}
	at := c.node.wheel.since(now)
	for _, level := range c.levels(limits) {
		if level.meter == nil {
			continue
		}
		rates := level.flow.rates()
		if what, wait := level.meter.take(much, rates, at); wait > 0 {
			c.node.dropped(protocol.RateLimited, 1)
			return tooFast(level.who, what, rates, wait), level.who != "tenant"
		}
	}
	return nil, false
}

// level is whom a rate is of.
type level struct {
	who   string
	meter *meter
	flow  *Flow
}

func (c *connection) levels(limits *RateLimits) [4]level {
	if c.intake == nil {
		c.intake = &intake{}
	}
	in, t := c.intake, c.tenant()
	if user := c.user(); in.user == nil && user != "" && limits.User.Flow != (Flow{}) {
		in.user = t.meters.of("user " + user)
	}
	if in.address == nil && limits.Address.Flow != (Flow{}) {
		in.address = t.meters.of("address " + network(c.remote))
	}
	return [...]level{{"connection", &in.own, &limits.Connection}, {"user", in.user, &limits.User.Flow},
		{"address", in.address, &limits.Address.Flow}, {"tenant", &t.meter, &limits.Tenant.Flow}}
}

// charge counts the items of a batch behind its first one: they are paid off before the next message is taken.
func (c *connection) charge(messages int, now time.Time) {
	limits := c.tenant().rates.Load()
	if limits == nil || messages <= 0 {
		return
	}
	at := c.node.wheel.since(now)
	for _, level := range c.levels(limits) {
		if level.meter != nil {
			level.meter.mu.Lock()
			level.meter.charge(load{ofMessages: messages}, level.flow.rates(), at)
			level.meter.mu.Unlock()
		}
	}
}

// scold tells the client that a message was too much and is not read, or ends the connection if that goes on.
func (c *connection) scold(why *protocol.Refusal, struck bool, now time.Time) {
	if struck && c.strikesOut(now) {
		c.end(end{why: why})
		return
	}
	c.run(c.session.Refuse(now, why, false))
}

// strikesOut counts a refusal and reports whether it is one too many.
func (c *connection) strikesOut(now time.Time) bool {
	return !c.intake.strikes.take(1, 1, strikes, c.node.wheel.since(now))
}
