package limit

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// Connection counts what one connection sends, against the limits of its dialect and the rates of its tenant. Only its
// owner may touch it. It is small, since each connection has one.
type Connection struct {
	counted *Tenant // the tenant that counted the connect of its address
	spent   bucket  // of messages, against the dialect's limit
	meters  *meters // nil until the first message that comes while the tenant has rates
}

// meters are the counters of a connection whose tenant has rates. Its first message makes them; those of its user and
// address are shared with other connections.
type meters struct {
	own           buckets
	user, address *buckets // nil until they are needed
	strikes       bucket   // refusals of Admit
}

// Peer is the other side of a connection.
type Peer struct {
	User    string // "" before login
	Address string // IP address
}

// Strikes is how often a connection may be refused for its rate, beyond once a second, before the engine ends it.
const Strikes = 16

// NewConnection makes the counters of a connection whose connect t admitted.
func NewConnection(t *Tenant) Connection { return Connection{counted: t} }

// Admit counts a load against all rates of the tenant, the narrowest first: connection, user, address, tenant. If one
// of them refuses, those before it have counted the load. strike says that the connection itself, its user or its
// address is too fast, and not the tenant as a whole. at is in nanoseconds of timer.Wheel.Since, here and below.
// If asked is not nil it counts nothing.
func (c *Connection) Admit(
	t *Tenant, from Peer, load Cost, at int64, asked *decision.Record,
) (err *protocol.Refusal, strike bool) {
	limits := t.rates.Load()
	if limits == nil {
		return nil, false
	}
	for _, level := range c.levels(t, from, limits) {
		if level.meter == nil {
			continue
		}
		rates := level.flow.rates()
		kind, wait := level.meter.take(load, rates, at, asked != nil)
		if err := refuseRate(level.name, load, kind, rates, wait, asked); err != nil {
			return err, level.name != "tenant"
		}
	}
	return nil, false
}

// level is one of the four rates that a message is counted against.
type level struct {
	name  string
	meter *buckets // nil if there is none to count in
	flow  *Flow
}

// levels returns the four levels, the narrowest first.
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

// Charge counts messages that Admit was not asked for, such as the items of a batch behind its first one: they are paid
// off before Admit admits the next message.
func (c *Connection) Charge(t *Tenant, from Peer, messages int, at int64) {
	limits := t.rates.Load()
	if limits == nil || messages <= 0 {
		return
	}
	for _, level := range c.levels(t, from, limits) {
		if level.meter != nil {
			level.meter.add(Cost{Messages: messages}, level.flow.rates(), at)
		}
	}
}

// Within counts messages against the limit of a dialect and reports whether they are within it. Messages beyond it are
// not counted.
func (c *Connection) Within(limits protocol.Limits, messages int, at int64) bool {
	return limits.Rate <= 0 || c.spent.take(messages, limits.Rate, max(limits.Burst, limits.Rate), at)
}

// Strike counts a refusal of Admit, which must have come before, and reports whether there were more than Strikes
// allows.
func (c *Connection) Strike(at int64) (tooMany bool) {
	return !c.meters.strikes.take(1, 1, Strikes, at)
}

// Refund takes back the connect of the address, since it counts elsewhere now: for its user, or for another dialect.
func (c *Connection) Refund(d protocol.Dialect, address string, now time.Time) {
	c.counted.connects.refund(addressKey(d, address), now)
}

// Leave forgets the meters of the tenant that the connection leaves.
func (c *Connection) Leave() { c.meters = nil }

// Renew begins anew in a tenant, for another dialect.
func (c *Connection) Renew(t *Tenant) { c.counted, c.spent = t, 0 }
