package limit

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Connection counts what one connection brings, against the limits of its dialect and the rates of its tenant. Its owner
// alone may touch it. It is small, since each connection has one.
type Connection struct {
	counted *Tenant // where the connect of its address is counted
	spent   bucket  // of messages, against the dialect's limit
	meters  *meters // nil while no rate of the tenant bounds what comes in
}

// meters are what a connection is metered by if its tenant has rates. Its first message makes them; those of user and
// address are shared.
type meters struct {
	own           meter
	user, address *meter // nil until they are needed
	strikes       bucket
}

// Peer is who a connection speaks for.
type Peer struct {
	User    string // "" while nobody
	Address string
}

// Strikes is how often a connection may be refused for its rate beyond once a second before it is ended.
const Strikes = 16

// NewConnection counts the messages of a connection whose connect this tenant admitted.
func NewConnection(t *Tenant) Connection { return Connection{counted: t} }

// Admit counts what the connection brings against all rates of its tenant, the narrowest first. What one of them counted
// stays counted if the next refuses. struck says that the connection itself, its user or its address is too fast, and not
// the tenant as a whole.
func (c *Connection) Admit(t *Tenant, from Peer, much Load, at int64) (err *protocol.Refusal, struck bool) {
	limits := t.rates.Load()
	if limits == nil {
		return nil, false
	}
	for _, level := range c.levels(t, from, limits) {
		if level.meter == nil {
			continue
		}
		rates := level.flow.rates()
		if what, wait := level.meter.take(much, rates, at); wait > 0 {
			return refuseRate(level.name, what, rates, wait), level.name != "tenant"
		}
	}
	return nil, false
}

// level is one of the four rates that a message is counted against.
type level struct {
	name  string
	meter *meter
	flow  *Flow
}

func (c *Connection) levels(t *Tenant, from Peer, limits *RateLimits) [4]level {
	if c.meters == nil {
		c.meters = &meters{}
	}
	m := c.meters
	if m.user == nil && from.User != "" && limits.User.Flow != (Flow{}) {
		m.user = t.meters.of("user " + from.User)
	}
	if m.address == nil && limits.Address.Flow != (Flow{}) {
		m.address = t.meters.of("address " + Network(from.Address))
	}
	return [...]level{
		{"connection", &m.own, &limits.Connection},
		{"user", m.user, &limits.User.Flow},
		{"address", m.address, &limits.Address.Flow},
		{"tenant", &t.own, &limits.Tenant.Flow},
	}
}

// Charge counts messages that were not asked for before, such as the items of a batch behind its first one: they are paid
// off before the next message is admitted.
func (c *Connection) Charge(t *Tenant, from Peer, messages int, at int64) {
	limits := t.rates.Load()
	if limits == nil || messages <= 0 {
		return
	}
	for _, level := range c.levels(t, from, limits) {
		if level.meter != nil {
			level.meter.add(Load{Messages: messages}, level.flow.rates(), at)
		}
	}
}

// Within counts messages against the limit of a dialect and reports whether they are within it.
func (c *Connection) Within(limits protocol.Limits, messages int, at int64) bool {
	return limits.Rate <= 0 || c.spent.take(messages, limits.Rate, max(limits.Burst, limits.Rate), at)
}

// Strike counts a refusal of Admit and reports whether the connection had more of them than Strikes allows.
func (c *Connection) Strike(at int64) (out bool) { return !c.meters.strikes.take(1, 1, Strikes, at) }

// Refund takes back the connect of the address: it counts otherwise now, as its user's or that of another dialect.
func (c *Connection) Refund(d protocol.Dialect, address string, now time.Time) {
	c.counted.connects.refund(addressKey(d, address), now)
}

// Leave leaves the meters of a tenant behind.
func (c *Connection) Leave() { c.meters = nil }

// Renew begins anew in the tenant, for another dialect.
func (c *Connection) Renew(t *Tenant) { c.counted, c.spent = t, 0 }
