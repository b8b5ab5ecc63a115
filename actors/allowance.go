package actors

import (
	"math/bits"
	"time"
)

// allowance bounds messages, bytes or subscribes: a token bucket in eight bytes. It is when all messages so far are
// paid off, as wheel.since tells it; each costs its part of a second.
type allowance int64

// take counts messages and reports whether they are within rate a second, with at most burst at once. What is not
// within is not counted.
func (a *allowance) take(messages, rate, burst int, now int64) bool {
	if a.wait(messages, rate, burst, now) > 0 {
		return false
	}
	a.spend(messages, rate, now)
	return true
}

// wait is how long it takes until take would take them; more than burst it never would.
func (a allowance) wait(messages, rate, burst int, now int64) time.Duration {
	return time.Duration(max(int64(a), now) + cost(messages, rate) - cost(burst, rate) - now)
}

// spend counts messages, whatever the rate.
func (a *allowance) spend(messages, rate int, now int64) {
	*a = allowance(max(int64(*a), now) + cost(messages, rate))
}

// cost is how much of the time so many messages take up, exact to a nanosecond. They are to be less than 2^63
// nanoseconds' worth, which is 292 years'.
func cost(messages, rate int) int64 {
	high, low := bits.Mul64(uint64(messages), uint64(time.Second))
	nanoseconds, _ := bits.Div64(high, low, uint64(rate))
	return int64(nanoseconds)
}
