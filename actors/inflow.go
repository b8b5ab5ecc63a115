package actors

import (
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// inflow bounds how fast things come into a tenant: by all together, and by each user and address. What a connection
// brings is counted by its intake.
type inflow struct {
	connects *connects
	rates    atomic.Pointer[RateLimits] // nil is none
	meter    meter                      // of the tenant as a whole
	meters   *meters                    // of users and addresses
}

// limit gives the tenant other rates.
func (in *inflow) limit(to RateLimits) {
	if to == (RateLimits{}) {
		in.rates.Store(nil)
		return
	}
	in.rates.Store(&to)
}

// admit counts a publish against the tenant's rates.
func (in *inflow) admit(ev *protocol.Event, wheel *timer.Wheel) *protocol.Refusal {
	limits := in.rates.Load()
	if limits == nil {
		return nil
	}
	rates := limits.Tenant.rates()
	what, wait := in.meter.take(load{ofMessages: 1, ofBytes: len(ev.Data)}, rates, wheel.Since(time.Now()))
	return tooFast("tenant", what, rates, wait)
}

// mayConnect counts a connect from an address, against the limits of the dialect and of all together.
func (in *inflow) mayConnect(d protocol.Dialect, address string, now time.Time) *protocol.Refusal {
	if why := in.addressMayConnect(d, address, now); why != nil {
		return why
	}
	limits := in.rates.Load()
	if limits == nil {
		return nil
	}
	if why := in.connect("address", network(address), limits.Address.Connects, now); why != nil {
		return why
	}
	return in.connect("tenant", "", limits.Tenant.Connects, now)
}

// userMayConnect counts a connect of a user, against the limits of the dialect and of all together.
func (in *inflow) userMayConnect(d protocol.Dialect, user string, now time.Time) *protocol.Refusal {
	most := d.Limits().Connects
	if wait, ok := in.connects.take(userKey(d, user), most, now); !ok {
		return tooMany(most, d.Name()+" connects per minute of this user (connects_per_minute)", wait)
	}
	if limits := in.rates.Load(); limits != nil {
		return in.connect("user", user, limits.User.Connects, now)
	}
	return nil
}

// addressMayConnect counts a connect of an address against the limit of a dialect.
func (in *inflow) addressMayConnect(d protocol.Dialect, address string, now time.Time) *protocol.Refusal {
	most := d.Limits().Connects
	if wait, ok := in.connects.take(addressKey(d, address), most, now); !ok {
		return tooMany(most, d.Name()+" connects per minute from this address (connects_per_minute)", wait)
	}
	return nil
}

// connect counts a connect of somebody against a rate of all dialects together.
func (in *inflow) connect(who, name string, perMinute int, now time.Time) *protocol.Refusal {
	wait, ok := in.connects.take("\x00"+who+" "+name, perMinute, now)
	if ok {
		return nil
	}
	return tooMany(perMinute, "connects per minute of this "+who+" (rates."+who+".connects)", wait)
}
