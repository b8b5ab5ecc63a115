package limit

import (
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Tenant bounds how fast things come into a tenant: of all together, of each user and of each address. It may be used by
// many goroutines at once. What a connection brings is counted by its Connection.
type Tenant struct {
	connects *connectLimiter
	rates    atomic.Pointer[RateLimits] // nil is none
	own      meter                      // of the tenant as a whole
	meters   *meterTable                // of users and addresses
}

// NewTenant has no rates until SetRates gives it some; the limits of dialects hold from the start.
func NewTenant() *Tenant { return &Tenant{connects: newConnectLimiter(), meters: newMeterTable()} }

// SetRates gives the tenant other rates.
func (t *Tenant) SetRates(to RateLimits) {
	if to == (RateLimits{}) {
		t.rates.Store(nil)
		return
	}
	t.rates.Store(&to)
}

// AdmitPublish counts a publish of so many bytes against the tenant's rates.
func (t *Tenant) AdmitPublish(bytes int, at int64) *protocol.Refusal {
	limits := t.rates.Load()
	if limits == nil {
		return nil
	}
	rates := limits.Tenant.rates()
	what, wait := t.own.take(Load{Messages: 1, Bytes: bytes}, rates, at)
	return refuseRate("tenant", what, rates, wait)
}

// AdmitConnect counts a connect from an address, against the limits of the dialect and of all together.
func (t *Tenant) AdmitConnect(d protocol.Dialect, address string, now time.Time) *protocol.Refusal {
	if err := t.AdmitAddress(d, address, now); err != nil {
		return err
	}
	limits := t.rates.Load()
	if limits == nil {
		return nil
	}
	if err := t.connect("address", Network(address), limits.Address.Connects, now); err != nil {
		return err
	}
	return t.connect("tenant", "", limits.Tenant.Connects, now)
}

// AdmitUser counts a connect of a user, against the limits of the dialect and of all together.
func (t *Tenant) AdmitUser(d protocol.Dialect, user string, now time.Time) *protocol.Refusal {
	most := d.Limits().Connects
	if wait, ok := t.connects.take(userKey(d, user), most, now); !ok {
		return refuseOver(most, d.Name()+" connects per minute of this user (connects_per_minute)", wait)
	}
	if limits := t.rates.Load(); limits != nil {
		return t.connect("user", user, limits.User.Connects, now)
	}
	return nil
}

// AdmitAddress counts a connect of an address against the limit of a dialect.
func (t *Tenant) AdmitAddress(d protocol.Dialect, address string, now time.Time) *protocol.Refusal {
	most := d.Limits().Connects
	if wait, ok := t.connects.take(addressKey(d, address), most, now); !ok {
		return refuseOver(most, d.Name()+" connects per minute from this address (connects_per_minute)", wait)
	}
	return nil
}

// connect counts a connect of somebody against a rate of all dialects together.
func (t *Tenant) connect(level, name string, perMinute int, now time.Time) *protocol.Refusal {
	wait, ok := t.connects.take("\x00"+level+" "+name, perMinute, now)
	if ok {
		return nil
	}
	return refuseOver(perMinute, "connects per minute of this "+level+" (rates."+level+".connects)", wait)
}
