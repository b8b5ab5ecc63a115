package timer

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWheel_FiresInOrderNeverEarlyAndAtMostItsGranularityLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWheel()
		defer w.Close()
		start := time.Now()
		var mu sync.Mutex
		var fired []time.Duration
		for i := range 500 {
			at := time.Duration((i*7919)%5000) * time.Millisecond
			w.Schedule(start.Add(at), fireFunc(func() {
				late := time.Since(start) - at
				if late < 0 || late > Granularity {
					t.Errorf("deadline %s fired %s late", at, late)
				}
				mu.Lock()
				fired = append(fired, at)
				mu.Unlock()
			}))
		}
		time.Sleep(6 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if len(fired) != 500 {
			t.Fatalf("%d of 500 fired", len(fired))
		}
		for i := 1; i < len(fired); i++ {
			if fired[i] < fired[i-1]-Granularity {
				t.Errorf("%s fired after %s", fired[i], fired[i-1])
			}
		}
		if len(w.buckets) != 0 || len(w.ticks) != 0 {
			t.Error("something is left in the wheel")
		}
	})
}

type fireFunc func()

func (f fireFunc) Fire() { f() }

func TestWheel_AnEarlierDeadlineWakesItAndAPastOneFiresAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWheel()
		defer w.Close()
		fired := make(chan string, 10)
		w.Schedule(time.Now().Add(time.Hour), fireFunc(func() { fired <- "hour" }))
		synctest.Wait()
		w.Schedule(time.Now().Add(time.Minute), fireFunc(func() { fired <- "minute" }))
		w.Schedule(time.Now().Add(-time.Hour), fireFunc(func() { fired <- "past" }))
		w.Schedule(time.Now().Add(200*365*24*time.Hour), fireFunc(func() { fired <- "far" }))
		start := time.Now()
		for _, want := range []struct {
			name string
			at   time.Duration
		}{{"past", 0}, {"minute", time.Minute}, {"hour", time.Hour}} {
			if got := <-fired; got != want.name || time.Since(start)-want.at > 2*Granularity {
				t.Errorf("%s fired after %s, want %s", got, time.Since(start), want.name)
			}
		}
	})
}

func TestWheel_FiresNothingAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWheel()
		w.Schedule(time.Now().Add(time.Second), fireFunc(func() { t.Error("fired after close") }))
		w.Close()
		w.Close()
		w.Schedule(time.Now(), fireFunc(func() { t.Error("scheduled after close") }))
		time.Sleep(time.Minute)
	})
}
