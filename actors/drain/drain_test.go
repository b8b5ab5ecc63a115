package drain

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestOver_TellsEvenlyAndWaitsForAllToGo(t *testing.T) {
	for _, c := range []struct {
		count  int
		over   time.Duration
		halved int // how many are told in the first half
	}{{1000, time.Second, 500}, {3, 3 * time.Second, 2}, {0, time.Second, 0}, {10, 0, 10}} {
		synctest.Test(t, func(t *testing.T) {
			began, told, halved := time.Now(), 0, 0
			err := Over(t.Context(), c.count, c.over, func(i int) {
				if i != told {
					t.Errorf("number %d came as number %d", i, told)
				}
				if told++; time.Since(began) <= c.over/2 {
					halved++
				}
			}, func() bool { return told == c.count && time.Since(began) > c.over+time.Second })
			if near := c.count/50 + 1; err != nil || halved < c.halved-near || halved > c.halved+near {
				t.Errorf("%d over %s: %d in the first half, %v", c.count, c.over, halved, err)
			}
			if took := time.Since(began); took < c.over+time.Second || took > c.over+time.Second+2*step {
				t.Errorf("%d over %s: took %s", c.count, c.over, took)
			}
		})
	}
}

func TestOver_EndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		err := Over(ctx, 1, time.Second, func(int) {}, func() bool { return false })
		if err != context.DeadlineExceeded || time.Since(began) != time.Minute {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

func TestTime_IsASecondOrAThousandASecond(t *testing.T) {
	for count, want := range map[int]time.Duration{0: time.Second, 10: time.Second, 5000: 5 * time.Second} {
		if got := Time(count); got != want {
			t.Errorf("%d: %s", count, got)
		}
	}
}

func TestWithin_LeavesTimeForTheClosingHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := Within(t.Context()); got != 0 {
			t.Errorf("without a deadline: %s", got)
		}
		for left, want := range map[time.Duration]time.Duration{
			time.Second: 0, 12 * time.Second: 8 * time.Second, 32 * time.Second: 24 * time.Second,
		} {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			if got := Within(ctx); got != want {
				t.Errorf("%s left: %s", left, got)
			}
			cancel()
		}
	})
}
