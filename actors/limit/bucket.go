package limit

import (
	"math/bits"
	"time"
)

// bucket bounds messages, bytes or subscribes: a token bucket in eight bytes. It is the time at which all messages so
// far are paid off, in nanoseconds of timer.Wheel.Since; each message costs its part of a second.
type bucket int64

// take counts messages and reports whether they are within rate a second, with at most burst at once. Messages beyond
// that are not counted. now is in nanoseconds of timer.Wheel.Since.
func (b *bucket) take(messages, rate, burst int, now int64) bool {
	if b.wait(messages, rate, burst, now) > 0 {
		return false
	}
	b.spend(messages, rate, now)
	return true
}

// wait returns how long it takes until take would take the messages. More than burst it would never take.
func (b bucket) wait(messages, rate, burst int, now int64) time.Duration {
	return time.Duration(max(int64(b), now) + cost(messages, rate) - cost(burst, rate) - now)
}

// spend counts messages, even beyond the rate.
func (b *bucket) spend(messages, rate int, now int64) {
	*b = bucket(max(int64(*b), now) + cost(messages, rate))
}

// cost returns how many nanoseconds the messages pay off in, at rate a second. That must be less than 2^63, which is
// 292 years.
func cost(messages, rate int) int64 {
	high, low := bits.Mul64(uint64(messages), uint64(time.Second))
	nanoseconds, _ := bits.Div64(high, low, uint64(rate))
	return int64(nanoseconds)
}
