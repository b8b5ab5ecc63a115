package limit

import (
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// Tenant bounds how fast things come into a tenant: from all together, from each user and from each address. Many
// goroutines may use it at once. The messages of a connection are counted by its Connection.
type Tenant struct {
	connects *connectLimiter
	rates    atomic.Pointer[RateLimits] // nil: no rates
	own      buckets                    // of the tenant as a whole
	meters   *meterTable                // of its users and addresses
}

// NewTenant makes a Tenant without rates; the limits of dialects hold from the start.
func NewTenant() *Tenant { return &Tenant{connects: newConnectLimiter(), meters: newMeterTable()} }

// SetRates gives the tenant other rates; the zero RateLimits removes them.
func (t *Tenant) SetRates(to RateLimits) {
	if to == (RateLimits{}) {
		t.rates.Store(nil)
		return
	}
	t.rates.Store(&to)
}

// AdmitPublish counts a publish of so many bytes against the rates of the tenant as a whole. It returns nil, or the
// refusal (RateLimited, with the time to wait), as do all methods here. at is in nanoseconds of timer.Wheel.Since. If
// asked is not nil they count nothing.
func (t *Tenant) AdmitPublish(bytes int, at int64, asked *decision.Record) *protocol.Refusal {
	limits := t.rates.Load()
	if limits == nil {
		return nil
	}
	load, rates := Cost{Messages: 1, Bytes: bytes}, limits.Tenant.rates()
	kind, wait := t.own.take(load, rates, at, asked != nil)
	return refuseRate("tenant", load, kind, rates, wait, asked)
}

// AdmitConnect counts a connect from an address: against the limit of the dialect, and against the tenant's rates for
// the address and for all connects.
func (t *Tenant) AdmitConnect(
	d protocol.Dialect, address string, now time.Time, asked *decision.Record,
) *protocol.Refusal {
	if err := t.AdmitAddress(d, address, now, asked); err != nil {
		return err
	}
	limits := t.rates.Load()
	if limits == nil {
		return nil
	}
	if err := t.connect("address", Network(address), limits.Address.Connects, now, asked); err != nil {
		return err
	}
	return t.connect("tenant", "", limits.Tenant.Connects, now, asked)
}

// AdmitUser counts a connect of a user: against the limit of the dialect, and against the tenant's rate for a user.
func (t *Tenant) AdmitUser(
	d protocol.Dialect, user string, now time.Time, asked *decision.Record,
) *protocol.Refusal {
	most := d.Limits().Connects
	wait, ok := t.connects.take(userKey(d, user), most, now, asked != nil)
	if asked.Number(decision.UserConnects, most, ok); !ok {
		return refuseOver(most, d.Name()+" connects per minute of this user (connects_per_minute)", wait)
	}
	if limits := t.rates.Load(); limits != nil {
		return t.connect("user", user, limits.User.Connects, now, asked)
	}
	return nil
}

// AdmitAddress counts a connect from an address against the limit of a dialect alone.
func (t *Tenant) AdmitAddress(
	d protocol.Dialect, address string, now time.Time, asked *decision.Record,
) *protocol.Refusal {
	most := d.Limits().Connects
	wait, ok := t.connects.take(addressKey(d, address), most, now, asked != nil)
	if asked.Number(decision.DialectConnects, most, ok); !ok {
		return refuseOver(most, d.Name()+" connects per minute from this address (connects_per_minute)", wait)
	}
	return nil
}

// connect counts a connect at one level, for one user or address, against a rate for all dialects together.
func (t *Tenant) connect(
	level, name string, perMinute int, now time.Time, asked *decision.Record,
) *protocol.Refusal {
	wait, ok := t.connects.take("\x00"+level+" "+name, perMinute, now, asked != nil)
	if perMinute > 0 {
		asked.Rate(level, "connects", perMinute, ok)
	}
	if ok {
		return nil
	}
	return refuseOver(perMinute, "connects per minute of this "+level+" (rates."+level+".connects)", wait)
}
