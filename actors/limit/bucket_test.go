package limit

import (
	"testing"
	"time"
)

func TestBucket_IsARateASecondWithABurstAndNothingMore(t *testing.T) {
	const seconds = 1000
	for _, c := range []struct{ rate, burst int }{{1, 1}, {3, 3}, {7, 20}, {100, 100}, {1000, 5000}} {
		var b bucket
		passed, now := 0, int64(1)
		step := int64(time.Second) / int64(2*c.rate) // twice as fast as it may be
		for end := int64(seconds) * int64(time.Second); now <= end; now += step {
			if b.take(1, c.rate, c.burst, now) {
				passed++
			}
		}
		if want := c.rate*seconds + c.burst; passed < want-2 || passed > want {
			t.Errorf("%d a second with a burst of %d let %d pass in %d s, want %d",
				c.rate, c.burst, passed, seconds, want)
		}
		now += int64(time.Hour) // a long rest saves up a burst and not more
		if b.take(c.burst+1, c.rate, c.burst, now) {
			t.Errorf("%d a second: more than the burst of %d passed at once", c.rate, c.burst)
		}
		if !b.take(c.burst, c.rate, c.burst, now) || b.take(1, c.rate, c.burst, now) ||
			!b.take(0, c.rate, c.burst, now) {
			t.Errorf("%d a second: a burst of %d is not exact, or was counted though refused", c.rate, c.burst)
		}
	}
}

func TestBucket_ASenderWithinTheRateIsNeverRefused(t *testing.T) {
	for _, rate := range []int{3, 7, 60, 300} {
		var b bucket
		for i := range 100_000 {
			if !b.take(1, rate, 1, 1+int64(i)*int64(time.Second)/int64(rate)) {
				t.Fatalf("message %d of %d a second was refused", i, rate)
			}
		}
	}
}

func TestBucket_HoldsForRatesOfAnySize(t *testing.T) {
	for _, rate := range []int{1, 1e9, 1e10, 1e15, 1 << 62} {
		var b bucket
		if !b.take(min(rate, 1<<20), rate, rate, 1) {
			t.Errorf("%d a second refuses the first", rate)
		}
		if !b.take(rate, rate, rate, 1+int64(time.Second)) {
			t.Errorf("%d a second refuses a second's worth a second later", rate)
		}
		if b.take(rate/2+1, rate, rate, 1+int64(time.Second)) {
			t.Errorf("%d a second passes more than a burst", rate)
		}
	}
}
