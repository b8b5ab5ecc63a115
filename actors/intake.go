package actors

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// intake is how fast a connection comes and brings something in, counted against what its dialect and its tenant allow.
// It belongs to the connection's actor.
type intake struct {
	counted *inflow   // where the connect of its address is counted
	spent   allowance // of messages, against the dialect's limit
	gauges  *gauges   // nil while no rate of the tenant bounds what comes in
}

// gauges are what a connection is metered by if its tenant has rates. Its first message makes them; the meters of user
// and address are shared.
type gauges struct {
	own           meter
	user, address *meter // nil until they are needed
	strikes       allowance
}

// A connection that is refused for its rate more often than once a second, beyond strikes, is ended.
const strikes = 16

// admit counts what the connection brings against all rates, the narrowest first. What was counted by one stays counted
// if the next refuses. struck says that it is the connection itself, its user or its address that is too fast.
func (in *intake) admit(l *Link, much load, now time.Time) (why *protocol.Refusal, struck bool) {
	limits := l.tenant().inflow.rates.Load()
	if limits == nil {
		return nil, false
	}
	at := l.node.wheel.Since(now)
	for _, level := range in.levels(l, limits) {
		if level.meter == nil {
			continue
		}
		rates := level.flow.rates()
		if what, wait := level.meter.take(much, rates, at); wait > 0 {
			l.node.dropped(protocol.RateLimited, 1)
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

func (in *intake) levels(l *Link, limits *RateLimits) [4]level {
	if in.gauges == nil {
		in.gauges = &gauges{}
	}
	g, of := in.gauges, &l.tenant().inflow
	if user := l.user(); g.user == nil && user != "" && limits.User.Flow != (Flow{}) {
		g.user = of.meters.of("user " + user)
	}
	if g.address == nil && limits.Address.Flow != (Flow{}) {
		g.address = of.meters.of("address " + network(l.remote))
	}
	return [...]level{{"connection", &g.own, &limits.Connection}, {"user", g.user, &limits.User.Flow},
		{"address", g.address, &limits.Address.Flow}, {"tenant", &of.meter, &limits.Tenant.Flow}}
}

// charge counts the items of a batch behind its first one: they are paid off before the next message is taken.
func (in *intake) charge(l *Link, messages int, now time.Time) {
	limits := l.tenant().inflow.rates.Load()
	if limits == nil || messages <= 0 {
		return
	}
	at := l.node.wheel.Since(now)
	for _, level := range in.levels(l, limits) {
		if level.meter != nil {
			level.meter.mu.Lock()
			level.meter.charge(load{ofMessages: messages}, level.flow.rates(), at)
			level.meter.mu.Unlock()
		}
	}
}

// within counts messages against the limit of the dialect.
func (in *intake) within(l *Link, messages int, now time.Time) bool {
	limits := l.dialect().Limits()
	return limits.Rate <= 0 || in.spent.take(messages, limits.Rate, max(limits.Burst, limits.Rate), l.node.wheel.Since(now))
}

// strikesOut counts a refusal of admit and reports whether it is one too many.
func (in *intake) strikesOut(l *Link, now time.Time) bool {
	return !in.gauges.strikes.take(1, 1, strikes, l.node.wheel.Since(now))
}

// takeBack takes back the connect of the address: it counts otherwise now, as its user's or of another dialect.
func (in *intake) takeBack(l *Link, now time.Time) {
	in.counted.connects.back(addressKey(l.dialect(), l.remote), now)
}

// move leaves the meters of a tenant behind.
func (in *intake) move() { in.gauges = nil }

// renew begins anew in the tenant of the link, for another dialect.
func (in *intake) renew(l *Link) { in.counted, in.spent = &l.tenant().inflow, 0 }

// scold tells the client that a message was too much and is not read, or ends the connection if that goes on.
func (c *connection) scold(why *protocol.Refusal, struck bool, now time.Time) {
	if struck && c.intake.strikesOut(&c.Link, now) {
		c.end(end{why: why})
		return
	}
	c.run(c.session.Refuse(now, why, false))
}
