package fairqueue

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestQueue_WhenFullTheTenantThatHasMostLosesItsLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(1, 1, time.Second)
		if !q.Acquire(t.Context(), "a") {
			t.Fatal("no slot")
		}
		var all sync.WaitGroup
		all.Go(func() {
			if q.Acquire(t.Context(), "a") {
				t.Error("the only place was not taken from a")
			}
		})
		synctest.Wait()
		all.Go(func() {
			if !q.Acquire(t.Context(), "b") {
				t.Error("b got no place")
			}
			q.Release()
		})
		synctest.Wait()
		if q.Acquire(t.Context(), "b") {
			t.Error("b took a place from itself")
		}
		q.Release()
		all.Wait()
		if q.free != 1 || len(q.tenants) != 0 || q.turns.Len() != 0 {
			t.Errorf("something is left: %d free, %d tenants", q.free, len(q.tenants))
		}
	})
}

func TestNew_HalfOfTheProcessorsAreTheDefault(t *testing.T) {
	for slots, want := range map[int]int{0: max(1, runtime.GOMAXPROCS(0)/2), 3: 3} {
		if q := New(slots, 1, time.Second); q.free != want {
			t.Errorf("%d: %d slots", slots, q.free)
		}
	}
}
