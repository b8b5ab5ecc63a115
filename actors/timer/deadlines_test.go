package timer

import (
	"slices"
	"testing"
)

func TestDeadlines_AProcessThatSleptDoesNotMakeUpForHeartbeats(t *testing.T) {
	var d Deadlines
	d.SetInterval(10, 100)
	var ticks []int64
	for now := int64(100); now < 180; now++ {
		if (now < 125 || now > 155) && d.TickDue(now) {
			ticks = append(ticks, now)
		}
	}
	if want := []int64{110, 120, 156, 166, 176}; !slices.Equal(ticks, want) {
		t.Errorf("heartbeats at %v, want %v", ticks, want)
	}
}

func TestDeadlines_TheWheelIsAskedOnlyForWhatComesSoonerThanItFires(t *testing.T) {
	var d Deadlines
	for _, step := range []struct {
		what   string
		do     func()
		silent int64
		next   int64
		sooner bool
	}{
		{"there is none", func() {}, 0, 0, false},
		{"the heartbeat comes first", func() { d.SetInterval(50, 0) }, 90, 50, true},
		{"the wheel fires for it", func() {}, 90, 50, false},
		{"a login has less time", func() { d.SetEnd(40) }, 90, 40, true},
		{"it is over, and the wheel fires early", func() { d.SetEnd(0) }, 90, 50, false},
		{"the wheel fired", func() { d.Fired(40) }, 90, 50, true},
		{"the peer is silent sooner", func() {}, 45, 45, true},
	} {
		step.do()
		if next, sooner := d.Next(step.silent, 0); next != step.next || sooner != step.sooner {
			t.Errorf("%s: next at %d, sooner %v; want %d, %v", step.what, next, sooner, step.next, step.sooner)
		}
	}
}
