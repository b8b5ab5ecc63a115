package publisher

import (
	"testing"
	"time"
)

// fake is a pace whose clock stands still but for its sleeps, which take 3 ms too long.
func fake(interval time.Duration) (*pacer, *time.Time) {
	clock := time.Unix(1000, 0)
	p := &pacer{interval: interval, due: clock, now: func() time.Time { return clock }}
	p.sleep = func(d time.Duration) { clock = clock.Add(d + 3*time.Millisecond) }
	return p, &clock
}

func TestPace_DoesNotDriftThoughSleepsTakeTooLong(t *testing.T) {
	p, clock := fake(10 * time.Millisecond)
	begin := *clock
	for range 1001 {
		p.wait()
	}
	if took := clock.Sub(begin); took != 10*time.Second+3*time.Millisecond {
		t.Errorf("1,000 intervals of 10 ms took %s", took)
	}
}

func TestPace_AnEventThatHadToWaitBearsTheTimeWhenItWasDue(t *testing.T) {
	p, clock := fake(10 * time.Millisecond)
	begin := p.wait()
	if on := p.wait(); on.Sub(begin) != 13*time.Millisecond {
		t.Errorf("an event on time bears %s, not the time after the sleep", on.Sub(begin))
	}
	*clock = begin.Add(45 * time.Millisecond) // the answer took long
	for i := 2; i <= 4; i++ {
		if late := p.wait(); late.Sub(begin) != time.Duration(i)*10*time.Millisecond {
			t.Errorf("event %d bears %s", i, late.Sub(begin))
		}
	}
	if on := p.wait(); on.Sub(begin) != 53*time.Millisecond {
		t.Errorf("having caught up, an event bears %s", on.Sub(begin))
	}
}

func TestPace_WithoutRateNobodyWaits(t *testing.T) {
	p, clock := fake(0)
	if begin := *clock; p.wait() != begin || *clock != begin {
		t.Error("it slept")
	}
}
