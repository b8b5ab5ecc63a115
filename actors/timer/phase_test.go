package timer

import (
	"testing"
	"time"
)

func TestNextTurn_IsSpreadEvenlyWheneverItIsAskedFor(t *testing.T) {
	const count, slots = 15000, 10
	for _, every := range []time.Duration{25 * time.Second, 7 * time.Second, 300 * time.Millisecond} {
		for _, now := range []int64{1, int64(every), int64(1000*every) - 1} {
			var in [slots]int
			for number := range uint64(count) {
				at := NextTurn(number+77, every, now)
				if at <= now || at > now+int64(every) {
					t.Fatalf("at %d, every %s: the next turn is at %d", now, every, at)
				}
				if next := NextTurn(number+77, every, at); next != at+int64(every) {
					t.Fatalf("after %d comes %d, want one interval later", at, next)
				}
				in[(at-now-1)*slots/int64(every)]++
			}
			for i, n := range in {
				if n < count/slots*8/10 || n > count/slots*12/10 {
					t.Errorf("at %d, every %s: %d of %d turns fall into part %d of %d", now, every, n, count, i, slots)
				}
			}
		}
	}
}

func TestNextTurn_ManyShareAWakeUp(t *testing.T) {
	ticks := map[int64]bool{}
	for number := range uint64(15000) {
		ticks[NextTurn(number, 25*time.Second, 1)] = true
	}
	if len(ticks) != 250 {
		t.Errorf("15,000 turns come at %d times, want 250", len(ticks))
	}
}
