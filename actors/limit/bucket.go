package limit

import (
	"math/bits"
	"time"
)

// Bucket bounds messages, bytes or subscribes: a token bucket in eight bytes. It is the time at which all messages so far
// are paid off, as timer.Wheel.Since tells it; each costs its part of a second.
type bucket int64

// Take counts messages and reports whether they are within rate a second, with at most burst at once. Messages beyond
// that are not counted.
func (b *bucket) take(messages, rate, burst int, now int64) bool {
	if b.wait(messages, rate, burst, now) > 0 {
		return false
	}
	b.spend(messages, rate, now)
	return true
}

// wait is how long it takes until Take would take them; more than burst it never would.
func (b bucket) wait(messages, rate, burst int, now int64) time.Duration {
	return time.Duration(max(int64(b), now) + cost(messages, rate) - cost(burst, rate) - now)
}

// spend counts messages, whatever the rate.
func (b *bucket) spend(messages, rate int, now int64) {
	*b = bucket(max(int64(*b), now) + cost(messages, rate))
}

// cost is how much of the time so many messages take up, exact to a nanosecond. They are to be less than 2^63
// nanoseconds' worth, which is 292 years'.
func cost(messages, rate int) int64 {
	high, low := bits.Mul64(uint64(messages), uint64(time.Second))
	nanoseconds, _ := bits.Div64(high, low, uint64(rate))
	return int64(nanoseconds)
}
