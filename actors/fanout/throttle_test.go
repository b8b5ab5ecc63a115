package fanout

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// The memory of a throttle is bounded in keys; events of more keys pass at once.
func TestThrottle_ForgetsQuietKeysAndLetsTheEventsOfTooManyPass(t *testing.T) {
	var th throttle
	now := time.Now()
	hold := func(key int) bool {
		ev := &protocol.Event{Topic: "t", Key: fmt.Sprint(key)}
		return !th.hold(&Delivery{Event: ev}, 1, time.Second, now).IsZero()
	}
	for i := range maxThrottleKeys {
		if hold(i) {
			t.Fatal("a first event was held back")
		}
	}
	for range 2 {
		if hold(maxThrottleKeys) {
			t.Error("an event of one key too many was held back")
		}
	}
	if !hold(1) || len(th.keys) != maxThrottleKeys {
		t.Errorf("%d keys", len(th.keys))
	}
	now = now.Add(time.Second)
	if due := th.release(now); len(due) != 1 || due[0].event.Key != "1" {
		t.Errorf("released %v", due)
	}
	if len(th.keys) != 1 {
		t.Errorf("%d keys are left when all but one were quiet", len(th.keys))
	}
	if now = now.Add(time.Second); th.release(now) != nil || len(th.keys) != 0 {
		t.Errorf("%d keys are left when all were quiet", len(th.keys))
	}
}

// With too many keys of which none is quiet, an event costs a look at its own key and not at all of them.
func TestThrottle_LooksForRoomTenTimesASecondAtMost(t *testing.T) {
	th, now := throttle{}, time.Now()
	hold := func(key int) bool {
		ev := &protocol.Event{Topic: "t", Key: fmt.Sprint(key)}
		return !th.hold(&Delivery{Event: ev}, 1, time.Second, now).IsZero()
	}
	for i := range maxThrottleKeys {
		hold(i)
	}
	now = now.Add(999 * time.Millisecond)
	hold(-1) // looks, in vain
	now = now.Add(99 * time.Millisecond)
	if hold(-2); len(th.keys) != maxThrottleKeys {
		t.Errorf("it looked again after 99 ms: %d keys", len(th.keys))
	}
	now = now.Add(time.Millisecond)
	if hold(-2); len(th.keys) != 1 {
		t.Errorf("it did not look again after 100 ms: %d keys", len(th.keys))
	}
}
